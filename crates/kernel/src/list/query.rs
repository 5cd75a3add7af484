//! What a list may be asked, and what it is asked.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Direction, Kind, Operator, Scalar};
use crate::{FieldError, Permission, normalised_key};

/// What the list of one kind of resource may be asked: declared once, and read by the parser, the
/// documentation and the tests. What is not declared is refused.
#[derive(Clone, Copy, Debug)]
pub struct ListSpec {
    /// What it is filtered and sorted by.
    pub fields: &'static [ListField],
    /// Its order unless `sort` says otherwise; empty when it has one order only.
    pub sort: &'static [SortKey],
    /// What `q` finds, for the documentation; `None` when there is no search.
    pub search: Option<&'static str>,
    /// The fields of a representation, in their order.
    pub shown: &'static [Shown],
    /// Fields that hold a reference and can hold all of what is referred to.
    pub expand: &'static [&'static str],
    /// Further parameters of the route.
    pub extra: &'static [ExtraParameter],
}

/// A field that a list is filtered and perhaps sorted by.
#[derive(Clone, Copy, Debug)]
pub struct ListField {
    /// The name on the wire.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Whether the list can be sorted by it: it is never null, and an index has its order.
    pub sortable: bool,
    /// Without this permission it is neither filtered nor sorted by.
    pub permission: Option<Permission>,
}

impl ListField {
    /// A field that a list is filtered by.
    pub const fn new(name: &'static str, kind: Kind) -> Self {
        Self {
            name,
            kind,
            sortable: false,
            permission: None,
        }
    }

    /// The same, and the list can be sorted by it.
    #[must_use]
    pub const fn sortable(mut self) -> Self {
        self.sortable = true;
        self
    }

    /// The same, for those alone who hold the permission.
    #[must_use]
    pub const fn needs(mut self, permission: Permission) -> Self {
        self.permission = Some(permission);
        self
    }
}

/// A field of a representation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Its name on the wire.
    pub name: &'static str,
    /// What it is made of, each a path of names with points between: a column of CSV each. A plain
    /// field is made of nothing.
    pub parts: &'static [&'static str],
}

impl Shown {
    /// A field that holds one value.
    pub const fn plain(name: &'static str) -> Self {
        Self { name, parts: &[] }
    }

    /// A field that holds an object.
    pub const fn of(name: &'static str, parts: &'static [&'static str]) -> Self {
        Self { name, parts }
    }

    /// A field that refers to something by `id` and `name`.
    pub const fn reference(name: &'static str) -> Self {
        Self::of(name, &["id", "name"])
    }
}

/// A parameter of one route beside those that all lists take.
#[derive(Clone, Copy, Debug)]
pub struct ExtraParameter {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub description: &'static str,
    /// An example value.
    pub example: &'static str,
    /// What it holds.
    pub kind: Kind,
}

/// One key of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SortKey {
    /// The field.
    pub field: &'static str,
    /// Which way round.
    pub direction: Direction,
}

impl SortKey {
    /// The smallest first.
    pub const fn ascending(field: &'static str) -> Self {
        Self {
            field,
            direction: Direction::Ascending,
        }
    }

    /// The greatest first.
    pub const fn descending(field: &'static str) -> Self {
        Self {
            field,
            direction: Direction::Descending,
        }
    }
}

/// What is asked of one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// The field.
    pub field: &'static str,
    /// The question.
    pub operator: Operator,
    /// With what it is compared: one value, or several of [`Operator::In`].
    pub values: Vec<Scalar>,
}

/// Which items a list holds, and in which order; ties are broken by id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListQuery {
    /// All of them hold.
    pub conditions: Vec<Condition>,
    /// The order.
    pub sort: Vec<SortKey>,
    /// Each of these, normalised, begins a word of what is searched; the longest first.
    pub words: Vec<String>,
    /// References that are shown whole.
    pub expand: Vec<&'static str>,
}

/// Where a page ends: the sort keys of its last item, in the order of the query, and its id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The sort keys.
    pub keys: Vec<Scalar>,
    /// The item.
    pub id: Uuid,
}

impl Position {
    /// The position of an item, whose sort keys `key` tells by field.
    pub fn of(query: &ListQuery, id: Uuid, key: impl Fn(&str) -> Scalar) -> Self {
        Self {
            keys: query.sort.iter().map(|sort| key(sort.field)).collect(),
            id,
        }
    }
}

/// So many conditions, sort keys, or values of one `in` are asked at a time.
const MOST: usize = 100;
/// So many mistakes are told.
const MOST_FAULTS: usize = 50;
/// More words than a name has tell nobody apart.
const MOST_WORDS: usize = 6;

/// What is wrong with the parameters of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListFault {
    /// Parameters are unknown or wrong.
    Invalid(Vec<FieldError>),
    /// A field may not be asked about without this permission.
    Denied(Permission),
}

impl ListSpec {
    /// Reads `field=…`, `field[operator]=…`, `sort`, `q` and `expand`. Other names are for whoever
    /// takes them; `None` in `taken` is unknown.
    ///
    /// # Errors
    /// Every parameter that is unknown, given twice, or wrong, 50 at most; else the first that the caller may
    /// not ask about.
    pub fn read<'a>(
        &self,
        parameters: impl IntoIterator<Item = (&'a str, &'a str)>,
        holds: impl Fn(Permission) -> bool,
    ) -> Result<ListQuery, ListFault> {
        let mut query = ListQuery::default();
        let mut wrong = Vec::new();
        let mut guarded = Vec::new();
        let mut seen = HashSet::new();
        for (name, value) in parameters {
            if wrong.len() == MOST_FAULTS {
                break;
            }
            if !seen.insert(name) {
                wrong.push(fault(name, "is given twice"));
                continue;
            }
            let read = match name {
                "sort" if !self.sort.is_empty() => self.order(value, &mut query, &mut guarded),
                "q" if self.search.is_some() => words(value).map(|words| query.words = words),
                "expand" if !self.expand.is_empty() => self
                    .names(value, self.expand)
                    .map(|names| query.expand = names),
                _ => self.condition(name, value, &mut guarded).map(|condition| {
                    query.conditions.push(condition);
                }),
            };
            if let Err(message) = read {
                wrong.push(fault(name, message));
            }
        }
        if query.conditions.len() > MOST {
            wrong.push(fault(
                "query",
                format!("at most {MOST} conditions are asked at a time"),
            ));
        }
        if !wrong.is_empty() {
            return Err(ListFault::Invalid(wrong));
        }
        if let Some(permission) = guarded.into_iter().find(|it| !holds(*it)) {
            return Err(ListFault::Denied(permission));
        }
        if query.sort.is_empty() {
            query.sort = self.sort.to_vec();
        }
        Ok(query)
    }

    /// Reads names, separated by commas, each one of `known`.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn names(
        &self,
        value: &str,
        known: &'static [&'static str],
    ) -> Result<Vec<&'static str>, String> {
        let mut names = Vec::new();
        for name in value.split(',') {
            let name = known.iter().find(|known| **known == name.trim());
            let name = name.ok_or_else(|| format!("must be one of {}", known.join(", ")))?;
            if !names.contains(name) {
                names.push(*name);
            }
        }
        Ok(names)
    }

    fn order(
        &self,
        value: &str,
        query: &mut ListQuery,
        guarded: &mut Vec<Permission>,
    ) -> Result<(), String> {
        for key in value.split(',').map(str::trim) {
            let (name, direction) = match key.strip_prefix('-') {
                Some(name) => (name, Direction::Descending),
                None => (key, Direction::Ascending),
            };
            let sortable = || self.fields.iter().filter(|field| field.sortable);
            let Some(field) = sortable().find(|field| field.name == name) else {
                let names: Vec<_> = sortable().map(|field| field.name).collect();
                return Err(format!(
                    "must be of {}, with `-` before a name for the greatest first",
                    names.join(", ")
                ));
            };
            if query.sort.iter().any(|key| key.field == field.name) {
                return Err(format!("names {} twice", field.name));
            }
            guarded.extend(field.permission);
            query.sort.push(SortKey {
                field: field.name,
                direction,
            });
        }
        Ok(())
    }

    fn condition(
        &self,
        name: &str,
        value: &str,
        guarded: &mut Vec<Permission>,
    ) -> Result<Condition, String> {
        let (field, suffix) = match name.split_once('[') {
            Some((field, rest)) => (field, rest.strip_suffix(']').or(Some(""))),
            None => (name, None),
        };
        let field = self
            .fields
            .iter()
            .find(|known| known.name == field)
            .ok_or_else(|| "this list has no such parameter".to_owned())?;
        let operators = field.kind.operators();
        let operator = operators
            .iter()
            .find(|operator| operator.suffix() == suffix)
            .copied()
            .ok_or_else(|| {
                let known: Vec<_> = operators
                    .iter()
                    .filter_map(|known| known.suffix())
                    .collect();
                format!("{} takes {}", field.name, known.join(", "))
            })?;
        guarded.extend(field.permission);
        let values = if operator == Operator::In {
            let values: Result<Vec<_>, _> = value
                .split(',')
                .map(|value| field.kind.read(value))
                .collect();
            values?
        } else {
            vec![field.kind.read(value)?]
        };
        if values.len() > MOST {
            return Err(format!("takes at most {MOST} values"));
        }
        Ok(Condition {
            field: field.name,
            operator,
            values,
        })
    }
}

fn fault(name: &str, message: impl Into<String>) -> FieldError {
    FieldError::new(name, "invalid_parameter", message)
}

fn words(text: &str) -> Result<Vec<String>, String> {
    if text.chars().count() > 100 || text.chars().any(char::is_control) {
        return Err("has at most 100 printable characters".to_owned());
    }
    let key = normalised_key(text);
    let mut words: Vec<String> = key.split(' ').map(str::to_owned).collect();
    words.retain(|word| !word.is_empty());
    // The longest is looked up first: it tells the most.
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    words.truncate(MOST_WORDS);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PAY: Permission = Permission {
        name: "employees:read_compensation",
        description: "",
    };

    const BANK: Permission = Permission {
        name: "employees:read_bank",
        description: "",
    };

    const SPEC: ListSpec = ListSpec {
        fields: &[
            ListField::new("last_name", Kind::Name).sortable(),
            ListField::new("hire_date", Kind::Date).sortable(),
            ListField::new("status", Kind::Word(&["active", "gone"])),
            ListField::new("pay", Kind::Integer).sortable().needs(PAY),
            ListField::new("bank", Kind::Code).needs(BANK),
        ],
        sort: &[SortKey::ascending("last_name")],
        search: Some("names"),
        shown: &[],
        expand: &["department", "manager"],
        extra: &[],
    };

    fn read(parameters: &[(&str, &str)]) -> Result<ListQuery, Vec<String>> {
        SPEC.read(parameters.iter().copied(), |_| false)
            .map_err(|fault| match fault {
                ListFault::Invalid(fields) => fields.into_iter().map(|it| it.pointer).collect(),
                ListFault::Denied(permission) => vec![permission.name.to_owned()],
            })
    }

    #[test]
    fn a_list_is_asked_what_it_declares() {
        let query = read(&[
            ("status[in]", "active,gone"),
            ("hire_date[gte]", "2026-01-31"),
            ("last_name[contains]", " Ber "),
            ("sort", "-hire_date,last_name"),
            ("q", " al  YANG "),
            ("expand", "manager"),
        ])
        .unwrap();
        assert_eq!(query.conditions.len(), 3);
        assert_eq!(query.conditions[0].values.len(), 2);
        assert_eq!(
            query.sort,
            [
                SortKey::descending("hire_date"),
                SortKey::ascending("last_name")
            ]
        );
        assert_eq!(query.words, ["yang", "al"]);
        assert_eq!(query.expand, ["manager"]);
        assert_eq!(read(&[]).unwrap().sort, SPEC.sort);
    }

    #[test]
    fn whatever_else_is_refused_by_name_and_all_at_once() {
        let wrong = read(&[
            ("colour", "red"),
            ("status", "Active"),
            ("status[gte]", "active"),
            ("hire_date[", "2026-01-31"),
            ("last_name", "Yang"),
            ("last_name", "King"),
            ("sort", "salary"),
            ("expand", "department,boss"),
        ]);
        assert_eq!(
            wrong.unwrap_err(),
            [
                "colour",
                "status",
                "status[gte]",
                "hire_date[",
                "last_name",
                "sort",
                "expand"
            ]
        );
        assert_eq!(
            read(&[("sort", "last_name,-last_name")]).unwrap_err(),
            ["sort"]
        );
        assert_eq!(read(&[("sort", "")]).unwrap_err(), ["sort"]);
        assert_eq!(read(&[("q", &"a".repeat(101))]).unwrap_err(), ["q"]);
    }

    #[test]
    fn a_field_that_may_not_be_read_is_not_asked_about_either() {
        for parameter in [("pay[gte]", "100"), ("sort", "-pay"), ("pay", "1")] {
            assert_eq!(read(&[parameter]).unwrap_err(), [PAY.name]);
            assert!(SPEC.read([parameter], |_| true).is_ok());
        }
        let both = [("pay[gte]", "1"), ("bank[ne]", "x")];
        let denied = SPEC.read(both, |permission| permission.name == PAY.name);
        assert!(matches!(denied, Err(ListFault::Denied(bank)) if bank.name == BANK.name));
    }

    #[test]
    fn a_search_has_an_end() {
        assert_eq!(words("a b c d e f g h").unwrap().len(), MOST_WORDS);
        assert!(words("   ").unwrap().is_empty());
    }

    proptest! {
        #[test]
        fn any_parameters_are_a_query_or_an_error_never_a_panic(
            parameters in prop::collection::vec(("[a-z_\\[\\]]{0,12}", any::<String>()), 0..5),
        ) {
            let pairs = parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            let _ = SPEC.read(pairs, |_| true);
        }

        #[test]
        fn an_order_that_is_read_names_each_field_once(
            sort in "(-?(last_name|hire_date|pay),?){1,4}",
        ) {
            if let Ok(query) = SPEC.read([("sort", sort.as_str())], |_| true) {
                let mut fields: Vec<_> = query.sort.iter().map(|key| key.field).collect();
                fields.sort_unstable();
                fields.dedup();
                prop_assert_eq!(fields.len(), query.sort.len());
            }
        }
    }
}
