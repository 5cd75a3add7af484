//! The Oracle HR sample, where it is.

use super::{house, import};
use crate::import::oracle_hr::sample;

#[tokio::test]
async fn the_oracle_sample_comes_in_whole() {
    let Some(set) = sample() else { return };
    let house = house().await;
    let report = import(&house.imports, &house.tenants.acme, set)
        .await
        .unwrap();

    assert_eq!(report.employees, 107);
    assert_eq!(
        house
            .number("SELECT count(*) AS number FROM departments")
            .await,
        27
    );
    assert_eq!(
        house
            .number("SELECT count(*) AS number FROM job_titles")
            .await,
        19
    );
    assert_eq!(
        house
            .number("SELECT count(*) AS number FROM locations")
            .await,
        23
    );
    assert_eq!(
        house
            .number("SELECT count(*) AS number FROM employees")
            .await,
        107
    );
    assert_eq!(
        house
            .number("SELECT count(*) AS number FROM compensations")
            .await,
        107
    );
    let current = "SELECT count(*) AS number FROM employments WHERE valid_to IS NULL";
    assert_eq!(house.number(current).await, 107);
    let past = "SELECT count(*) AS number FROM employments WHERE valid_to IS NOT NULL";
    assert_eq!(house.number(past).await, 10);
    let below_king = "WITH RECURSIVE tree AS ( \
                      SELECT id FROM employees WHERE employee_number = '100' UNION \
                      SELECT m.employee_id FROM employments m JOIN tree ON tree.id = m.manager_id \
                      WHERE m.valid_to IS NULL) SELECT count(*) AS number FROM tree";
    assert_eq!(house.number(below_king).await, 107);
    let yang = "SELECT concat_ws(' ', m.valid_from, m.valid_to, j.code, d.code, l.code) AS text \
                FROM employments m JOIN employees e ON e.id = m.employee_id \
                JOIN job_titles j ON j.id = m.job_title_id \
                JOIN departments d ON d.id = m.department_id \
                JOIN locations l ON l.id = m.location_id \
                WHERE e.employee_number = '101' ORDER BY m.valid_from";
    assert_eq!(
        house.texts(yang).await,
        [
            "2007-09-21 2011-10-28 AC_ACCOUNT 110 1700",
            "2011-10-28 2015-03-16 AC_MGR 110 1700",
            "2015-09-21 AD_VP 90 1700",
        ]
    );
    let singh = "SELECT concat_ws(' ', e.work_email, e.work_email_key, c.amount_minor, c.currency, \
                 c.pay_period, c.commission_bp, c.valid_from) AS text \
                 FROM employees e JOIN compensations c ON c.employee_id = e.id \
                 WHERE e.employee_number = '145'";
    assert_eq!(
        house.texts(singh).await,
        ["jsingh@acme.example jsingh@acme.example 1400000 USD monthly 4000 2014-10-01"]
    );
}
