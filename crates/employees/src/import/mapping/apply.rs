//! A foreign file becomes rows of ours.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    str::FromStr as _,
    sync::Arc,
};

use csv::StringRecord;
use rust_decimal::Decimal;

use super::{Lookup, Origin, ReadyMapping, Rule, Section, template::Template};
use crate::import::{
    Content, Fault, Faults, ImportLimits,
    content::Reader,
    fault::Source,
    grid::{Grid, GridRow},
    sheet::Sheet,
};

impl ReadyMapping {
    /// Makes a sheet of each section whose file can be read.
    pub(in crate::import) fn sheets(
        &self,
        files: &BTreeMap<Arc<str>, Content>,
        limits: ImportLimits,
        faults: &mut Faults,
    ) -> Vec<Sheet> {
        let mut told = HashSet::new();
        let mut sheets = Vec::new();
        for section in &self.sections {
            // Of a file that holds rows of two kinds, what cannot be read is told once.
            let is_told = !told.insert(section.file.as_str());
            let mut untold = is_told.then(|| Faults::new(1));
            let target = untold.as_mut().unwrap_or(faults);
            let grid = open(files, &section.file, limits, target);
            if let Some(grid) = grid {
                let files = Files { files, limits };
                sheets.extend(self.sheet(section, grid, untold, files, faults));
            }
        }
        sheets
    }

    fn sheet(
        &self,
        section: &Section,
        grid: Grid<Reader>,
        untold: Option<Faults>,
        files: Files<'_>,
        faults: &mut Faults,
    ) -> Option<Sheet> {
        let before = faults.total();
        let mut columns = Vec::new();
        for (field, rule) in &section.fields {
            for name in rule.columns() {
                if grid.position(name).is_none() {
                    faults.refuse(no_column(&grid.file, name));
                }
            }
            let table = match &rule.lookup {
                Some(lookup) => table(lookup, files, faults),
                None => HashMap::new(),
            };
            columns.push((*field, rule.clone(), table));
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
        let columns = Columns {
            options: self.options.clone(),
            header: grid.header.iter().cloned().zip(0..).collect(),
            cells: columns,
        };
        Some(Sheet::mapped(source, grid, columns, untold))
    }
}

/// The files of an import, to look something up in.
#[derive(Clone, Copy)]
struct Files<'a> {
    files: &'a BTreeMap<Arc<str>, Content>,
    limits: ImportLimits,
}

fn open(
    files: &BTreeMap<Arc<str>, Content>,
    name: &str,
    limits: ImportLimits,
    faults: &mut Faults,
) -> Option<Grid<Reader>> {
    let (file, content) = files.get_key_value(name)?;
    Grid::open(file, content.reader(), limits, faults)
}

/// How the cells of a section are made of those of its file.
pub(in crate::import) struct Columns {
    options: HashMap<String, String>,
    header: HashMap<Arc<str>, usize>,
    /// Our columns, their rules, and what these look up.
    cells: Vec<(&'static str, Rule, HashMap<String, String>)>,
}

impl Columns {
    /// Our columns, in the order of the cells.
    pub(in crate::import) fn fields(&self) -> impl Iterator<Item = &'static str> {
        self.cells.iter().map(|(field, ..)| *field)
    }

    /// A row of ours; what a look-up does not know is noted.
    pub(in crate::import) fn apply(
        &self,
        row: &GridRow,
        source: &Source,
        faults: &mut Faults,
    ) -> GridRow {
        let cell = |(field, rule, table): &(&'static str, Rule, HashMap<String, String>)| {
            self.cell(rule, table, row).unwrap_or_else(|unknown| {
                let file = rule.lookup.as_ref().map_or("", |lookup| &lookup.file);
                let message = format!("`{unknown}` is not in {file}");
                faults.unreadable(source.fault(row.line, field, "not_found", message));
                String::new()
            })
        };
        GridRow {
            line: row.line,
            cells: self.cells.iter().map(cell).collect::<StringRecord>(),
        }
    }

    /// One of our cells; the key when a look-up does not know it.
    fn cell(
        &self,
        rule: &Rule,
        table: &HashMap<String, String>,
        row: &GridRow,
    ) -> Result<String, String> {
        let column = |name: &str| -> &str {
            let cell = self.header.get(name).and_then(|at| row.cells.get(*at));
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
            value.clone_from(found);
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
fn table(lookup: &Lookup, files: Files<'_>, faults: &mut Faults) -> HashMap<String, String> {
    // What cannot be read of it is told where its rows are read; here, its keys are missing.
    let mut untold = Faults::new(1);
    let Some(mut grid) = open(files.files, &lookup.file, files.limits, &mut untold) else {
        for fault in untold.iter() {
            faults.refuse(fault.clone());
        }
        return HashMap::new();
    };
    let mut position = |name: &str| {
        let position = grid.position(name);
        if position.is_none() {
            faults.refuse(no_column(&grid.file, name));
        }
        position
    };
    let (Some(key), Some(value)) = (position(&lookup.key), position(&lookup.value)) else {
        return HashMap::new();
    };
    let rows = std::iter::from_fn(|| grid.next(&mut untold));
    rows.filter_map(|row| {
        let cell = |at| row.cells.get(at).map(|cell| cell.trim().to_owned());
        Some((cell(key)?, cell(value)?))
    })
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
    use crate::import::{Column, Kind, Mapping, set::ImportSet};

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

    /// What each kind's rows say, by our columns.
    type Read = (HashMap<Kind, Vec<HashMap<&'static str, String>>>, Faults);

    fn sheets(places: &str, lands: &str, people: &str) -> Read {
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
        let mut faults = Faults::new(100);
        let mut read = HashMap::new();
        for mut sheet in set.unwrap().sheets(ImportLimits::DEFAULT, &mut faults) {
            let kind = sheet.source.kind;
            let mut rows = Vec::new();
            while let Some(row) = sheet.next(&mut faults) {
                let cell =
                    |column: &Column| (column.name, sheet.cell(&row, column.name).to_owned());
                rows.push(kind.columns().iter().map(cell).collect());
            }
            read.insert(kind, rows);
        }
        (read, faults)
    }

    fn column(rows: &[HashMap<&'static str, String>], field: &str) -> Vec<String> {
        rows.iter().map(|row| row[field].clone()).collect()
    }

    #[test]
    fn every_kind_of_rule_does_what_it_says() {
        let (sheets, faults) = sheets(PLACES, LANDS, PEOPLE);
        assert!(faults.is_empty(), "{faults:?}");
        let (places, people) = (&sheets[&Kind::Locations], &sheets[&Kind::Employees]);
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
