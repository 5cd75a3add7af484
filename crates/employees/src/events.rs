//! What happens here, as it is told to others: the events that the use cases record with their changes.
//!
//! The feed is kept for ever and read by programs, so it says which person and which fields, and repeats
//! of a person no more than what the change was about: no name, no address, no telephone number. Who
//! wants to know them asks for the person, who may have been erased meanwhile. What somebody is paid
//! stands in one field, which is shown to those who may read it.

mod organisation;
mod people;

pub use organisation::{
    DepartmentCreated, DepartmentUpdated, JobTitleCreated, JobTitleUpdated, LocationCreated,
    LocationUpdated,
};
pub use people::{
    AgreedPay, CompensationChanged, Hired, HistoryImported, NewTerms, Promoted, Rehired,
    Terminated, Transferred, Updated,
};

use kernel::{Permission, PermissionMarker as _};
use messaging::{DomainEvent, EventKind};

use crate::permission::{Read, ReadCompensation, ReadOrganisation};

/// What the events of people are about.
pub(crate) const EMPLOYEE: &str = "employee";

const OF_PEOPLE: Permission = Read::PERMISSION;
const OF_ORGANISATION: Permission = ReadOrganisation::PERMISSION;
const PAY: &[(&str, Permission)] = &[("compensation", ReadCompensation::PERMISSION)];

const fn kind<E: DomainEvent>(
    description: &'static str,
    permission: Permission,
    guarded: &'static [(&'static str, Permission)],
) -> EventKind {
    EventKind {
        name: E::KIND,
        description,
        permission,
        guarded,
    }
}

/// Every kind of event that is recorded here, and who is shown what of it.
pub const KINDS: &[EventKind] = &[
    kind::<Hired>("Somebody was hired.", OF_PEOPLE, PAY),
    kind::<Rehired>("Somebody came back.", OF_PEOPLE, PAY),
    kind::<Updated>(
        "What is said of a person changed: his name, number, address or telephone number.",
        OF_PEOPLE,
        &[],
    ),
    kind::<Transferred>(
        "Somebody has another department, job, location, manager or type of employment.",
        OF_PEOPLE,
        &[],
    ),
    kind::<Promoted>("Somebody has a better job.", OF_PEOPLE, &[]),
    kind::<CompensationChanged>("Somebody is paid otherwise.", OF_PEOPLE, PAY),
    kind::<Terminated>("Somebody's service ends.", OF_PEOPLE, &[]),
    kind::<HistoryImported>(
        "Earlier employments of somebody were imported.",
        OF_PEOPLE,
        &[],
    ),
    kind::<DepartmentCreated>("A department was created.", OF_ORGANISATION, &[]),
    kind::<DepartmentUpdated>("A department changed.", OF_ORGANISATION, &[]),
    kind::<JobTitleCreated>("A job title was created.", OF_ORGANISATION, &[]),
    kind::<JobTitleUpdated>("A job title changed.", OF_ORGANISATION, &[]),
    kind::<LocationCreated>("A location was created.", OF_ORGANISATION, &[]),
    kind::<LocationUpdated>("A location changed.", OF_ORGANISATION, &[]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_about_events_lists_every_kind_and_whom_it_is_for() {
        let page = include_str!("../../../docs/events.md");
        for kind in KINDS {
            let subject = kind.name.split('.').next().unwrap();
            let permission = kind.permission.name;
            let row = format!("| `{}` | `{subject}` | `{permission}` |", kind.name);
            assert!(page.contains(&row), "{row}");
        }
    }
}
