//! The routes: a file each.

mod change_compensation;
mod create_department;
mod create_employee;
mod create_job_title;
mod create_location;
mod imports;
mod list_departments;
mod list_employees;
mod list_employments;
mod list_history;
mod list_job_titles;
mod list_locations;
mod list_reports;
mod list_timeline;
mod pay;
mod promote_employee;
mod rehire_employee;
mod representation;
mod show_department;
mod show_employee;
mod show_job_title;
mod show_location;
mod terminate_employee;
mod transfer_employee;
mod update_department;
mod update_employee;
mod update_job_title;
mod update_location;
mod wire;

pub use imports::{ImportAccepted, ImportBodyLimit, ImportSummary};

use utoipa_actix_web::service_config::ServiceConfig;

/// Adds the routes. Their handlers take [`EmployeeService`](crate::EmployeeService),
/// [`ImportService`](crate::ImportService) and [`web::Cursors`] from the application's data.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(list_employees::list_employees)
        .service(create_employee::create_employee)
        .service(show_employee::show_employee)
        .service(update_employee::update_employee)
        .service(transfer_employee::transfer_employee)
        .service(promote_employee::promote_employee)
        .service(change_compensation::change_compensation)
        .service(terminate_employee::terminate_employee)
        .service(rehire_employee::rehire_employee)
        .service(list_reports::list_reports)
        .service(list_employments::list_employments)
        .service(list_timeline::list_timeline)
        .service(list_history::list_history)
        .service(list_departments::list_departments)
        .service(create_department::create_department)
        .service(show_department::show_department)
        .service(update_department::update_department)
        .service(list_job_titles::list_job_titles)
        .service(create_job_title::create_job_title)
        .service(show_job_title::show_job_title)
        .service(update_job_title::update_job_title)
        .service(list_locations::list_locations)
        .service(create_location::create_location)
        .service(show_location::show_location)
        .service(update_location::update_location)
        .service(imports::import_file);
}

#[cfg(test)]
mod tests {
    use actix_web::App;
    use serde_json::Value;
    use utoipa_actix_web::AppExt as _;

    use crate::permission;

    fn document() -> Value {
        let (_app, api) = App::new()
            .into_utoipa_app()
            .configure(super::configure)
            .split_for_parts();
        serde_json::to_value(api).unwrap()
    }

    #[test]
    fn every_route_needs_a_permission_of_this_domain() {
        let document = document();
        let mut routes = 0;
        for operations in document["paths"].as_object().unwrap().values() {
            for operation in operations.as_object().unwrap().values() {
                let needed = operation["x-permission"].as_str().unwrap();
                assert!(
                    permission::ALL.iter().any(|known| known.name == needed),
                    "{needed}"
                );
                assert!(!operation["summary"].as_str().unwrap().is_empty());
                routes += 1;
            }
        }
        assert!(routes >= 26, "{routes}");
    }

    #[test]
    fn every_reference_of_the_documentation_leads_somewhere() {
        let document = document();
        let text = document.to_string();
        for reference in text.split("\"#/components/schemas/").skip(1) {
            let name = reference.split('"').next().unwrap();
            assert!(
                document["components"]["schemas"][name].is_object(),
                "{name}"
            );
        }
    }
}
