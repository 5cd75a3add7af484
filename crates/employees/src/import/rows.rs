//! Table as values that are valid one by one.

use std::{
    collections::HashMap,
    fmt::{self, Display},
    hash::Hash,
    str::FromStr,
    sync::Arc,
};

use kernel::{DateRange, EmailAddress, TimeZone};
use time::Date;

use super::{Faults, Kind, Wanted, cells::Cells, fault::Source, sheet::Sheet, values};
use crate::model::{
    Code, Commission, CountryCode, EmployeeNumber, EmploymentType, Name, Pay, PayPeriod, PayRange,
    PersonName, PhoneNumber, PostalAddress,
};

/// Every row of every file.
#[derive(Debug)]
pub(super) struct Organisation {
    pub(super) departments: Table<DepartmentRow, Code>,
    pub(super) job_titles: Table<JobTitleRow, Code>,
    pub(super) locations: Table<LocationRow, Code>,
    pub(super) employees: Table<EmployeeRow, EmployeeNumber>,
    pub(super) history: Table<HistoryRow, NoKey>,
}

/// Rows that nobody refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum NoKey {}

impl Display for NoKey {
    fn fmt(&self, _f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {}
    }
}

/// The rows of one kind.
#[derive(Debug)]
pub(super) struct Table<T, K> {
    pub(super) source: Arc<Source>,
    pub(super) rows: Vec<T>,
    /// The keys of all rows with their lines, also of rows that are left out for a fault: a
    /// reference to a bad row is no second fault.
    pub(super) keys: HashMap<K, u64>,
}

#[derive(Debug)]
pub(super) struct DepartmentRow {
    pub(super) line: u64,
    pub(super) code: Code,
    pub(super) name: Name,
    pub(super) parent: Option<Code>,
    pub(super) manager: Option<EmployeeNumber>,
}

#[derive(Debug)]
pub(super) struct JobTitleRow {
    pub(super) line: u64,
    pub(super) code: Code,
    pub(super) name: Name,
    pub(super) pay_range: Option<PayRange>,
}

#[derive(Debug)]
pub(super) struct LocationRow {
    pub(super) line: u64,
    pub(super) code: Code,
    pub(super) name: Name,
    pub(super) address: PostalAddress,
    pub(super) time_zone: Option<TimeZone>,
}

/// What of an employee matters to other rows. This stays in memory; who he is, see [`Person`], is
/// read again when he is stored.
#[derive(Debug)]
pub(super) struct EmployeeRow {
    pub(super) line: u64,
    pub(super) number: Option<EmployeeNumber>,
    /// The key under which his address is unique.
    pub(super) email_key: Option<Arc<str>>,
    pub(super) hire_date: Date,
    pub(super) position_since: Option<Date>,
    /// The first day after the last one.
    pub(super) employed_until: Option<Date>,
    pub(super) position: Position,
    pub(super) is_paid: bool,
}

/// What of an employee matters to nobody else.
#[derive(Debug)]
pub(super) struct Person {
    pub(super) name: PersonName,
    pub(super) work_email: Option<EmailAddress>,
    pub(super) phone: Option<PhoneNumber>,
    pub(super) pay: Option<(Pay, Option<Commission>)>,
}

#[derive(Debug)]
pub(super) struct HistoryRow {
    pub(super) line: u64,
    pub(super) number: EmployeeNumber,
    pub(super) period: DateRange,
    pub(super) position: Position,
}

/// Where somebody works and as what, by codes and numbers.
#[derive(Debug)]
pub(super) struct Position {
    pub(super) department: Option<Code>,
    pub(super) job_title: Option<Code>,
    pub(super) location: Option<Code>,
    pub(super) manager: Option<EmployeeNumber>,
    pub(super) employment_type: EmploymentType,
}

impl Organisation {
    /// Reads the cells of every sheet; bad ones are noted and their rows left out.
    pub(super) fn read(sheets: Vec<Sheet>, wanted: &mut Wanted, faults: &mut Faults) -> Self {
        let mut all = Self {
            departments: Table::none(Kind::Departments),
            job_titles: Table::none(Kind::JobTitles),
            locations: Table::none(Kind::Locations),
            employees: Table::none(Kind::Employees),
            history: Table::none(Kind::EmploymentHistory),
        };
        let code = |row: &mut Cells<'_>| ("code", row.text("code").parse::<Code>().ok());
        for sheet in sheets {
            match sheet.source.kind {
                Kind::Departments => {
                    let key = |row: &mut Cells<'_>| {
                        let (field, code) = code(row);
                        Some((field, row.wanted.department(code?)))
                    };
                    all.departments = Table::read(sheet, key, department, wanted, faults);
                }
                Kind::JobTitles => {
                    let key = |row: &mut Cells<'_>| {
                        let (field, code) = code(row);
                        Some((field, row.wanted.job_title(code?)))
                    };
                    all.job_titles = Table::read(sheet, key, job_title, wanted, faults);
                }
                Kind::Locations => {
                    let key = |row: &mut Cells<'_>| {
                        let (field, code) = code(row);
                        Some((field, row.wanted.location(code?)))
                    };
                    all.locations = Table::read(sheet, key, location, wanted, faults);
                }
                Kind::Employees => {
                    let key = |row: &mut Cells<'_>| {
                        let number = row.text("employee_number").parse().ok()?;
                        Some(("employee_number", row.wanted.employee(number)))
                    };
                    let read = |row: &mut Cells<'_>| employee(row).map(|(row, _person)| row);
                    all.employees = Table::read(sheet, key, read, wanted, faults);
                }
                Kind::EmploymentHistory => {
                    all.history = Table::read(sheet, |_row| None, past, wanted, faults);
                }
            }
        }
        all
    }
}

impl<T, K: Eq + Hash + Clone + Display> Table<T, K> {
    fn none(kind: Kind) -> Self {
        let source = Source {
            kind,
            file: kind.as_str().into(),
            headings: HashMap::new(),
        };
        Self {
            source: Arc::new(source),
            rows: Vec::new(),
            keys: HashMap::new(),
        }
    }

    /// Reads the rows of a sheet. A key, which has the name of its column with it, stands in one
    /// row only.
    fn read(
        mut sheet: Sheet,
        key: impl Fn(&mut Cells<'_>) -> Option<(&'static str, K)>,
        read: impl Fn(&mut Cells<'_>) -> Option<T>,
        wanted: &mut Wanted,
        faults: &mut Faults,
    ) -> Self {
        let mut all = Self {
            source: Arc::clone(&sheet.source),
            rows: Vec::new(),
            keys: HashMap::new(),
        };
        while let Some(row) = sheet.next(faults) {
            let mut cells = Cells {
                sheet: &sheet,
                row: &row,
                faults,
                wanted,
            };
            if let Some((field, value)) = key(&mut cells) {
                match all.keys.get(&value) {
                    Some(first) => {
                        let message =
                            format!("`{}` stands in line {first} already", cells.text(field));
                        cells.fault(field, "duplicate", &message);
                    }
                    None => _ = all.keys.insert(value, row.line),
                }
            }
            all.rows.extend(read(&mut cells));
        }
        all
    }
}

fn department(row: &mut Cells<'_>) -> Option<DepartmentRow> {
    let code = row.required("code", Code::from_str);
    let name = row.required("name", Name::from_str);
    let parent = row.optional("parent_code", Code::from_str);
    let manager = manager(row);
    Some(DepartmentRow {
        line: row.line(),
        code: row.wanted.department(code?),
        name: name?,
        parent: parent.map(|code| row.wanted.department(code)),
        manager,
    })
}

fn job_title(row: &mut Cells<'_>) -> Option<JobTitleRow> {
    let code = row.required("code", Code::from_str);
    let name = row.required("name", Name::from_str);
    let pay_range = pay_range(row);
    Some(JobTitleRow {
        line: row.line(),
        code: row.wanted.job_title(code?),
        name: name?,
        pay_range,
    })
}

fn pay_range(row: &mut Cells<'_>) -> Option<PayRange> {
    if !row.has_any(&["pay_range_min", "pay_range_max"]) {
        return None;
    }
    let currency = row.required("currency", values::currency)?;
    let min = row.required("pay_range_min", |text| values::amount(text, currency));
    let max = row.required("pay_range_max", |text| values::amount(text, currency));
    let range = PayRange::new(min?, max?);
    row.checked("pay_range_max", range)
}

fn location(row: &mut Cells<'_>) -> Option<LocationRow> {
    let code = row.required("code", Code::from_str);
    let name = row.required("name", Name::from_str);
    let street = row.optional("street_address", Name::from_str);
    let postal_code = row.optional("postal_code", Name::from_str);
    let city = row.optional("city", Name::from_str);
    let region = row.optional("region", Name::from_str);
    let country = row.required("country", CountryCode::from_str);
    let time_zone = row.optional("time_zone", TimeZone::from_str);
    Some(LocationRow {
        line: row.line(),
        code: row.wanted.location(code?),
        name: name?,
        address: PostalAddress {
            street,
            postal_code,
            city,
            region,
            country: country?,
        },
        time_zone,
    })
}

/// A person, and what of him matters to other rows.
pub(super) fn employee(row: &mut Cells<'_>) -> Option<(EmployeeRow, Person)> {
    let number = row.optional("employee_number", EmployeeNumber::from_str);
    let first = row.required("first_name", Name::from_str);
    let last = row.required("last_name", Name::from_str);
    let work_email = row.optional("work_email", EmailAddress::from_str);
    let phone = row.optional("phone", PhoneNumber::from_str);
    let hire_date = row.required("hire_date", values::date);
    let position_since = row.optional("position_since", values::date);
    let employed_until = row.optional("last_day", values::day_after);
    let position = position(row);
    let pay = pay(row);
    let person = Person {
        name: PersonName {
            first: first?,
            last: last?,
        },
        work_email,
        phone,
        pay,
    };
    let email = person.work_email.as_ref();
    let matters = EmployeeRow {
        line: row.line(),
        number: number.map(|number| row.wanted.employee(number)),
        email_key: email.map(|email| row.wanted.email_key(email.key())),
        hire_date: hire_date?,
        position_since,
        employed_until,
        position,
        is_paid: person.pay.is_some(),
    };
    Some((matters, person))
}

fn past(row: &mut Cells<'_>) -> Option<HistoryRow> {
    let number = row.required("employee_number", EmployeeNumber::from_str);
    let first_day = row.required("first_day", values::date);
    let end = row.required("last_day", values::day_after);
    let position = position(row);
    let Ok(period) = DateRange::new(first_day?, Some(end?)) else {
        row.fault("last_day", "invalid", "lies before the first day");
        return None;
    };
    Some(HistoryRow {
        line: row.line(),
        number: row.wanted.history(number?),
        period,
        position,
    })
}

fn position(row: &mut Cells<'_>) -> Position {
    let employment_type = row.optional("employment_type", EmploymentType::from_str);
    let department = row.optional("department_code", Code::from_str);
    let job_title = row.optional("job_title_code", Code::from_str);
    let location = row.optional("location_code", Code::from_str);
    Position {
        department: department.map(|code| row.wanted.department(code)),
        job_title: job_title.map(|code| row.wanted.job_title(code)),
        location: location.map(|code| row.wanted.location(code)),
        manager: manager(row),
        employment_type: employment_type.unwrap_or(EmploymentType::FullTime),
    }
}

fn manager(row: &mut Cells<'_>) -> Option<EmployeeNumber> {
    let manager = row.optional("manager_number", EmployeeNumber::from_str);
    manager.map(|number| row.wanted.employee(number))
}

/// Currency and period alone mean nothing: a mapping gives them to everybody.
fn pay(row: &mut Cells<'_>) -> Option<(Pay, Option<Commission>)> {
    if !row.has_any(&["pay_amount", "commission_percent"]) {
        return None;
    }
    let currency = row.required("pay_currency", values::currency);
    let period = row.required("pay_period", PayPeriod::from_str);
    let commission = row.optional("commission_percent", values::commission);
    let currency = currency?;
    let amount = row.required("pay_amount", |text| values::amount(text, currency));
    let pay = Pay::new(amount?, period?);
    let pay = row.checked("pay_amount", pay)?;
    Some((pay, commission))
}
