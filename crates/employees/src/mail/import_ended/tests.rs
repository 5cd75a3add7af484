use kernel::TimeZone;
use time::macros::datetime;

use super::*;
use crate::import::Fault;

const PATH: &str = "/api/v1/imports/01930000-0000-7000-8000-000000000001";

fn faults(count: u64) -> Faults {
    let mut faults = Faults::new(1_000);
    for line in 2..2 + count {
        faults.push(Fault {
            file: "Jane Doe's people.csv".into(),
            line: line * 1_000,
            column: (line != 3).then(|| "hire_date".into()),
            code: if line == 2 { "invalid" } else { "required" },
            message: "`Jane Doe` is not a date".to_owned(),
        });
    }
    faults
}

fn imported(rows: usize, faults: Faults) -> Imported {
    let report = crate::import::ImportReport {
        employees: rows,
        ..Default::default()
    };
    Imported { report, faults }
}

fn came_in(faults: Faults, how: ImportOptions) -> ImportEnded {
    let kind = Some(Kind::Employees);
    let at = datetime!(2026-11-27 16:05 UTC);
    ImportEnded::came_in(kind, how, &imported(1_234, faults), at, PATH.to_owned())
}

fn refused() -> ImportEnded {
    let at = datetime!(2026-03-01 23:30 UTC);
    let how = ImportOptions::default();
    ImportEnded::refused(None, how, &faults(12), at, PATH.to_owned())
}

fn broke_off() -> ImportEnded {
    let at = datetime!(2026-03-01 23:30 UTC);
    let kind = Some(Kind::Departments);
    ImportEnded::broke_off(kind, ImportOptions::default(), at, PATH.to_owned())
}

const EACH: ImportOptions = ImportOptions {
    mode: ImportMode::Independent,
    dry_run: false,
};

const TRIAL: ImportOptions = ImportOptions {
    mode: ImportMode::Atomic,
    dry_run: true,
};

fn written_for(company: &str, ended: &ImportEnded, language: Language) -> Content {
    let time_zone: TimeZone = "Europe/Berlin".parse().unwrap();
    let reading = Reading {
        language,
        company,
        time_zone: &time_zone,
        links: Some("https://hr.example.com"),
    };
    ended.content(&reading).unwrap()
}

fn written(ended: &ImportEnded, language: Language) -> Content {
    written_for("Müller & Söhne", ended, language)
}

/// Subject and text.
fn read(ended: &ImportEnded, language: Language) -> String {
    let Content { subject, text, .. } = written(ended, language);
    // A blank at the end of a line would not be seen.
    format!(
        "Subject: {}\n\n{}",
        subject.as_str(),
        text.replace(" \n", "·\n")
    )
}

#[test]
fn an_import_that_came_in_is_told() {
    let ended = came_in(Faults::new(1), ImportOptions::default());
    insta::assert_snapshot!(read(&ended, Language::English), @r"
    Subject: Import of employees: done

    Müller & Söhne

    The import of employees that you started ended on 27 November 2026, 17:05.
    Everything came in.

    Mode:     all rows or none
    Came in:  1,234
    Failed:   0

    The result: https://hr.example.com/api/v1/imports/01930000-0000-7000-8000-000000000001

    --·
    This mail was written by a program; nobody reads answers to it.
    ");
    insta::assert_snapshot!(read(&ended, Language::German), @r"
    Subject: Import von Mitarbeitenden: fertig

    Müller & Söhne

    Der Import von Mitarbeitenden, den Sie begonnen haben, ist beendet: 27. November 2026, 17:05 Uhr.
    Alles wurde übernommen.

    Modus:          alle Zeilen oder keine
    Übernommen:     1.234
    Nicht möglich:  0

    Das Ergebnis: https://hr.example.com/api/v1/imports/01930000-0000-7000-8000-000000000001

    --·
    Ein Programm hat diese Nachricht geschrieben; Antworten darauf liest niemand.
    ");
}

#[test]
fn rows_that_did_not_come_in_are_told_by_their_places() {
    let ended = came_in(faults(3), EACH);
    insta::assert_snapshot!(read(&ended, Language::English), @r"
    Subject: Import of employees: 1,234 in, 3 not

    Müller & Söhne

    The import of employees that you started ended on 27 November 2026, 17:05.
    The good rows came in, the others did not.

    Mode:     every good row
    Came in:  1,234
    Failed:   3

    What is wrong:
    - line 2000, hire_date: is not valid
    - line 3000: is missing
    - line 4000, hire_date: is missing

    The result: https://hr.example.com/api/v1/imports/01930000-0000-7000-8000-000000000001

    --·
    This mail was written by a program; nobody reads answers to it.
    ");
    insta::assert_snapshot!(read(&ended, Language::German), @r"
    Subject: Import von Mitarbeitenden: 1.234 übernommen, 3 nicht

    Müller & Söhne

    Der Import von Mitarbeitenden, den Sie begonnen haben, ist beendet: 27. November 2026, 17:05 Uhr.
    Die guten Zeilen wurden übernommen, die anderen nicht.

    Modus:          jede gute Zeile
    Übernommen:     1.234
    Nicht möglich:  3

    Was nicht stimmt:
    - Zeile 2000, hire_date: ist nicht gültig
    - Zeile 3000: fehlt
    - Zeile 4000, hire_date: fehlt

    Das Ergebnis: https://hr.example.com/api/v1/imports/01930000-0000-7000-8000-000000000001

    --·
    Ein Programm hat diese Nachricht geschrieben; Antworten darauf liest niemand.
    ");
}

#[test]
fn a_file_that_was_refused_is_told_with_its_first_ten_faults() {
    let ended = refused();
    insta::assert_snapshot!(read(&ended, Language::English), @r"
    Subject: Import of people and organisation: nothing came in

    Müller & Söhne

    The import of people and organisation that you started ended on 2 March 2026, 00:30.
    Nothing came in, because something is wrong with the file.

    Mode:     all rows or none
    Came in:  0
    Failed:   12

    What is wrong:
    - line 2000, hire_date: is not valid
    - line 3000: is missing
    - line 4000, hire_date: is missing
    - line 5000, hire_date: is missing
    - line 6000, hire_date: is missing
    - line 7000, hire_date: is missing
    - line 8000, hire_date: is missing
    - line 9000, hire_date: is missing
    - line 10000, hire_date: is missing
    - line 11000, hire_date: is missing
    - and 2 more

    The result: https://hr.example.com/api/v1/imports/01930000-0000-7000-8000-000000000001

    --·
    This mail was written by a program; nobody reads answers to it.
    ");
    insta::assert_snapshot!(read(&ended, Language::German), @r"
    Subject: Import von Personal- und Organisationsdaten: nichts übernommen

    Müller & Söhne

    Der Import von Personal- und Organisationsdaten, den Sie begonnen haben, ist beendet: 2. März 2026, 00:30 Uhr.
    Nichts wurde übernommen, weil mit der Datei etwas nicht stimmt.

    Modus:          alle Zeilen oder keine
    Übernommen:     0
    Nicht möglich:  12

    Was nicht stimmt:
    - Zeile 2000, hire_date: ist nicht gültig
    - Zeile 3000: fehlt
    - Zeile 4000, hire_date: fehlt
    - Zeile 5000, hire_date: fehlt
    - Zeile 6000, hire_date: fehlt
    - Zeile 7000, hire_date: fehlt
    - Zeile 8000, hire_date: fehlt
    - Zeile 9000, hire_date: fehlt
    - Zeile 10000, hire_date: fehlt
    - Zeile 11000, hire_date: fehlt
    - und 2 weitere

    Das Ergebnis: https://hr.example.com/api/v1/imports/01930000-0000-7000-8000-000000000001

    --·
    Ein Programm hat diese Nachricht geschrieben; Antworten darauf liest niemand.
    ");
}

#[test]
fn an_import_that_broke_off_is_told_as_no_fault_of_the_file() {
    let ended = broke_off();
    insta::assert_snapshot!(read(&ended, Language::English), @r"
    Subject: Import of departments: broke off

    Müller & Söhne

    The import of departments that you started ended on 2 March 2026, 00:30.
    It could not be done, and nothing came in. That is no fault of your file: please
    try again, or ask those who run the platform.

    Mode:     all rows or none
    Came in:  0
    Failed:   0

    The result: https://hr.example.com/api/v1/imports/01930000-0000-7000-8000-000000000001

    --·
    This mail was written by a program; nobody reads answers to it.
    ");
    insta::assert_snapshot!(read(&ended, Language::German), @r"
    Subject: Import von Abteilungen: abgebrochen

    Müller & Söhne

    Der Import von Abteilungen, den Sie begonnen haben, ist beendet: 2. März 2026, 00:30 Uhr.
    Er ließ sich nicht ausführen, und nichts wurde übernommen. An Ihrer Datei liegt
    es nicht: Bitte versuchen Sie es noch einmal, oder fragen Sie die Betreiber der
    Plattform.

    Modus:          alle Zeilen oder keine
    Übernommen:     0
    Nicht möglich:  0

    Das Ergebnis: https://hr.example.com/api/v1/imports/01930000-0000-7000-8000-000000000001

    --·
    Ein Programm hat diese Nachricht geschrieben; Antworten darauf liest niemand.
    ");
}

#[test]
fn a_trial_is_told_as_one() {
    let ended = came_in(Faults::new(1), TRIAL);
    let english = read(&ended, Language::English);
    assert!(
        english.contains("Trial import of employees: done"),
        "{english}"
    );
    let told = "Everything would have come in.\nIt was a trial: nothing was stored.\n";
    assert!(english.contains(told), "{english}");
    let german = read(&ended, Language::German);
    let told = "Alles wäre übernommen worden.\nEs war eine Probe: Nichts wurde gespeichert.\n";
    assert!(german.contains(told), "{german}");
}

#[test]
fn the_html_says_the_same() {
    let ended = came_in(faults(3), EACH);
    insta::assert_snapshot!(written(&ended, Language::English).html, @r#"
    <!DOCTYPE html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width">
    <title>Müller &#38; Söhne</title>
    </head>
    <body style="margin:0;padding:24px;font-family:sans-serif;color:#1a1a1a;background:#ffffff">
    <p style="font-weight:bold">Müller &#38; Söhne</p>
    <p>The import of employees that you started ended on 27 November 2026, 17:05.
    The good rows came in, the others did not.</p>
    <table role="presentation" cellpadding="2">
    <tr><td>Mode</td><td>every good row</td></tr>
    <tr><td>Came in</td><td>1,234</td></tr>
    <tr><td>Failed</td><td>3</td></tr>
    </table>
    <p>What is wrong:</p>
    <ul>
    <li>line 2000, <code>hire_date</code>: is not valid</li>
    <li>line 3000: is missing</li>
    <li>line 4000, <code>hire_date</code>: is missing</li>
    </ul>
    <p><a href="https://hr.example.com/api/v1/imports/01930000-0000-7000-8000-000000000001">The result</a></p>
    <p style="color:#666666;font-size:smaller">This mail was written by a program; nobody reads answers to it.</p>
    </body>
    </html>
    "#);
    insta::assert_snapshot!(written(&ended, Language::German).html, @r#"
    <!DOCTYPE html>
    <html lang="de">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width">
    <title>Müller &#38; Söhne</title>
    </head>
    <body style="margin:0;padding:24px;font-family:sans-serif;color:#1a1a1a;background:#ffffff">
    <p style="font-weight:bold">Müller &#38; Söhne</p>
    <p>Der Import von Mitarbeitenden, den Sie begonnen haben, ist beendet: 27. November 2026, 17:05 Uhr.
    Die guten Zeilen wurden übernommen, die anderen nicht.</p>
    <table role="presentation" cellpadding="2">
    <tr><td>Modus</td><td>jede gute Zeile</td></tr>
    <tr><td>Übernommen</td><td>1.234</td></tr>
    <tr><td>Nicht möglich</td><td>3</td></tr>
    </table>
    <p>Was nicht stimmt:</p>
    <ul>
    <li>Zeile 2000, <code>hire_date</code>: ist nicht gültig</li>
    <li>Zeile 3000: fehlt</li>
    <li>Zeile 4000, <code>hire_date</code>: fehlt</li>
    </ul>
    <p><a href="https://hr.example.com/api/v1/imports/01930000-0000-7000-8000-000000000001">Das Ergebnis</a></p>
    <p style="color:#666666;font-size:smaller">Ein Programm hat diese Nachricht geschrieben; Antworten darauf liest niemand.</p>
    </body>
    </html>
    "#);
}

#[test]
fn nothing_that_people_wrote_becomes_html() {
    const EVIL: &str = "<script>alert(1)</script>\"'&";
    let mut ended = came_in(faults(1), EACH);
    ended.faults[0].column = Some(EVIL.to_owned());
    ended.faults[0].code = EVIL.to_owned();
    ended.result_path = format!("/x\"><{EVIL}");
    for language in Language::ALL {
        let html = written_for(EVIL, &ended, language).html;
        assert!(!html.contains("<script>"), "{html}");
        assert!(!html.contains("x\""), "{html}");
        assert!(html.contains("&#60;script&#62;"), "{html}");
    }
}

#[test]
fn a_job_holds_places_and_no_word_of_the_file() {
    let mut told = faults(1);
    told.push(Fault {
        file: "x".into(),
        line: 9,
        column: Some(format!("Name\r\n{}", "x".repeat(500)).into()),
        code: "unknown_column",
        message: "`Jane Doe`".to_owned(),
    });
    let work = TellImportEnded {
        user_id: UserId::new(uuid::Uuid::nil()),
        ended: came_in(told, EACH),
    };
    let payload = serde_json::to_value(&work).unwrap();
    assert!(!payload.to_string().contains("Jane"), "{payload}");
    assert_eq!(payload["ended"]["kind"], "employees");
    assert_eq!(payload["ended"]["mode"], "independent");
    assert_eq!(
        payload["ended"]["faults"][1]["column"]
            .as_str()
            .unwrap()
            .len(),
        60
    );
    assert_eq!(
        serde_json::from_value::<TellImportEnded>(payload).unwrap(),
        work
    );
}
