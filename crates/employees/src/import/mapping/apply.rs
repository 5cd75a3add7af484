//! A foreign file becomes rows of ours.

use std::{
    collections::{BTreeMap, HashMap},
    str::FromStr as _,
    sync::Arc,
};

use csv::StringRecord;
use rust_decimal::Decimal;

use super::{Lookup, Origin, ReadyMapping, Rule, Section, template::Template};
use crate::import::{
    Fault, Faults,
    fault::Source,
    grid::{Grid, GridRow},
    sheet::Sheet,
};

impl ReadyMapping {
    /// Makes a sheet of each section whose file could be read.
    pub(in crate::import) fn sheets(
        &self,
        grids: &BTreeMap<Arc<str>, Grid>,
        faults: &mut Faults,
    ) -> Vec<Sheet> {
        let mut sheets = Vec::new();
        for section in &self.sections {
            if let Some(grid) = grids.get(section.file.as_str()) {
                sheets.extend(self.sheet(section, grid, grids, faults));
            }
        }
        sheets
    }

    fn sheet(
        &self,
        section: &Section,
        grid: &Grid,
        grids: &BTreeMap<Arc<str>, Grid>,
        faults: &mut Faults,
    ) -> Option<Sheet> {
        let before = faults.total();
        let mut columns = Vec::new();
        for (field, rule) in &section.fields {
            for name in rule.columns() {
                if grid.position(name).is_none() {
                    faults.push(no_column(&grid.file, name));
                }
            }
            let table = match &rule.lookup {
                Some(lookup) => table(lookup, grids, faults),
                None => HashMap::new(),
            };
            columns.push((*field, rule, table));
        }
        if faults.total() > before {
            return None;
        }
        let headings = section.fields.iter().filter_map(|(field, rule)| {
            let heading = rule.columns().next()?;
            Some((*field, heading.into()))
        });
        let source = Source {
            kind: section.kind,
            file: Arc::clone(&grid.file),
            headings: headings.collect(),
        };
        let row = |row: &GridRow, faults: &mut Faults| GridRow {
            line: row.line,
            cells: columns
                .iter()
                .map(|(field, rule, table)| {
                    self.cell(rule, table, grid, row).unwrap_or_else(|unknown| {
                        let file = rule.lookup.as_ref().map_or("", |lookup| &lookup.file);
                        let message = format!("`{unknown}` is not in {file}");
                        faults.push(source.fault(row.line, field, "not_found", message));
                        String::new()
                    })
                })
                .collect::<StringRecord>(),
        };
        let rows = grid.rows.iter().map(|cells| row(cells, faults)).collect();
        let fields = columns.iter().map(|(field, ..)| *field);
        Some(Sheet::new(source.clone(), fields, rows))
    }

    /// One of our cells; the key when a look-up does not know it.
    fn cell(
        &self,
        rule: &Rule,
        table: &HashMap<&str, &str>,
        grid: &Grid,
        row: &GridRow,
    ) -> Result<String, String> {
        let column = |name: &str| -> &str {
            let cell = grid.position(name).and_then(|at| row.cells.get(at));
            cell.unwrap_or_default().trim()
        };
        let mut value = match &rule.origin {
            Origin::Column(name) => column(name).to_owned(),
            Origin::Template(template) => template.fill(&self.options, column),
        };
        if value.is_empty() {
            return Ok(value);
        }
        if rule.lookup.is_some() {
            let Some(found) = table.get(value.as_str()) else {
                return Err(value);
            };
            (*found).clone_into(&mut value);
        }
        if let Some(replacement) = rule.values.get(&value) {
            value.clone_from(replacement);
        }
        // What is no number is told later, by the column that wanted one.
        if let Some(times) = rule.times
            && let Ok(number) = Decimal::from_str(&value)
            && let Some(product) = number.checked_mul(times)
        {
            value = product.normalize().to_string();
        }
        Ok(value)
    }
}

impl Rule {
    /// The foreign columns it reads.
    fn columns(&self) -> impl Iterator<Item = &str> {
        let (column, template) = match &self.origin {
            Origin::Column(name) => (Some(name.as_str()), None),
            Origin::Template(template) => (None, Some(template)),
        };
        column
            .into_iter()
            .chain(template.into_iter().flat_map(Template::columns))
    }
}

/// Key and value of every row of the file that a look-up names.
fn table<'a>(
    lookup: &Lookup,
    grids: &'a BTreeMap<Arc<str>, Grid>,
    faults: &mut Faults,
) -> HashMap<&'a str, &'a str> {
    let Some(grid) = grids.get(lookup.file.as_str()) else {
        return HashMap::new();
    };
    let mut position = |name: &str| {
        let position = grid.position(name);
        if position.is_none() {
            faults.push(no_column(&grid.file, name));
        }
        position
    };
    let (Some(key), Some(value)) = (position(&lookup.key), position(&lookup.value)) else {
        return HashMap::new();
    };
    let rows = grid.rows.iter();
    rows.filter_map(|row| Some((row.cells.get(key)?.trim(), row.cells.get(value)?.trim())))
        .collect()
}

fn no_column(file: &Arc<str>, name: &str) -> Fault {
    Fault {
        file: Arc::clone(file),
        line: 1,
        column: Some(name.into()),
        code: "missing_column",
        message: format!("the mapping reads the column `{name}`, which the file does not have"),
    }
}

#[cfg(test)]
mod tests {
    use crate::import::{Mapping, set::ImportSet};

    use super::*;

    const MAPPING: &str = r#"
        [options.suffix]
        description = "After every code"

        [locations]
        file = "places.csv"
        [locations.fields]
        code = { template = "{id|lower}-{suffix}" }
        name = "town"
        country = { column = "land", lookup = { file = "lands.csv", key = "id", value = "iso" }, values = { UK = "GB" } }

        [employees]
        file = "people.csv"
        [employees.fields]
        first_name = "first"
        last_name = "last"
        hire_date = "hired"
        job_title_code = { template = "staff" }
        commission_percent = { column = "commission", times = 100 }
    "#;

    const PLACES: &str = "town,id,land,ignored\nBerlin,BER,49,x\n London ,LON,44,y\n";
    const LANDS: &str = "id,iso\n49,DE\n44,UK\n";
    const PEOPLE: &str = "first,last,hired,commission\nAda,King,2020-01-02,.4\nBob,Roe,2020-01-02,\nCy,Coe,2020-01-02,much\n";

    fn sheets(places: &str, lands: &str, people: &str) -> (Vec<Sheet>, Faults) {
        let options = BTreeMap::from([("suffix".to_owned(), "1".to_owned())]);
        let mapping = Mapping::parse(MAPPING).unwrap().with_options(&options);
        let files = [
            ("places.csv", places),
            ("lands.csv", lands),
            ("people.csv", people),
        ];
        let set = ImportSet::mapped(mapping.unwrap(), |name| {
            let file = files.iter().find(|(file, _)| *file == name).unwrap();
            Ok::<_, std::io::Error>(file.1.as_bytes().to_vec())
        });
        let mut faults = Faults::new();
        let sheets = set.unwrap().sheets(&mut faults);
        (sheets, faults)
    }

    fn column(sheet: &Sheet, field: &'static str) -> Vec<String> {
        (0..sheet.rows.len())
            .map(|row| sheet.cell(&sheet.rows[row], field).to_owned())
            .collect()
    }

    #[test]
    fn every_kind_of_rule_does_what_it_says() {
        let (sheets, faults) = sheets(PLACES, LANDS, PEOPLE);
        assert!(faults.is_empty(), "{faults:?}");
        let [places, people] = sheets.as_slice() else {
            unreachable!()
        };
        assert_eq!(column(places, "code"), ["ber-1", "lon-1"]);
        assert_eq!(column(places, "name"), ["Berlin", "London"]);
        assert_eq!(column(places, "country"), ["DE", "GB"]);
        assert_eq!(
            column(people, "job_title_code"),
            ["staff", "staff", "staff"]
        );
        assert_eq!(column(people, "commission_percent"), ["40", "", "much"]);
    }

    #[test]
    fn a_key_that_the_other_file_does_not_know_is_named_where_it_stands() {
        let (_, faults) = sheets(PLACES, "id,iso\n49,DE\n", PEOPLE);
        let all: Vec<String> = faults.iter().map(ToString::to_string).collect();
        assert_eq!(all, ["places.csv, line 3, land: `44` is not in lands.csv"]);
    }

    #[test]
    fn a_column_that_a_file_lacks_is_named() {
        let (_, faults) = sheets("town,id\n", "id,name\n", PEOPLE);
        let all: Vec<String> = faults.iter().map(ToString::to_string).collect();
        assert_eq!(
            all,
            [
                "places.csv, line 1, land: the mapping reads the column `land`, which the file does not have",
                "lands.csv, line 1, iso: the mapping reads the column `iso`, which the file does not have",
            ]
        );
    }
}
