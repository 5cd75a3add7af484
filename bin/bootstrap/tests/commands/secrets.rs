//! Files with secrets that are not what they should be.

use std::{
    fs::{self, Permissions},
    os::unix::fs::{PermissionsExt as _, symlink},
};

use crate::scratch::{Done, Scratch, create};

/// Everything that was told about an error.
fn told(done: &Done) -> String {
    done.json.get("error").unwrap().to_string()
}

#[tokio::test]
async fn a_kept_password_that_others_could_know_or_that_is_none_is_refused_by_its_name() {
    let scratch = Scratch::ready().await;
    let folder = scratch.credentials();
    let file = folder.join("alpha-administrator-password");
    let name = file.to_str().unwrap();
    let refused = |remedy: &str| {
        let done = scratch.run(&create("alpha", "Alpha"));
        let told = told(&done);
        assert_eq!(done.code, 1, "{told}");
        assert!(told.contains(remedy), "{told}");
    };
    fs::write(&file, "a password of somebody else\n").unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
    refused(&format!("`chmod 600 {name}`"));
    fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
    fs::set_permissions(&folder, Permissions::from_mode(0o777)).unwrap();
    refused(&format!("`chmod 700 {}`", folder.display()));
    fs::set_permissions(&folder, Permissions::from_mode(0o700)).unwrap();
    for bad in ["", "\n", "short\n"] {
        fs::write(&file, bad).unwrap();
        refused(&format!("{name} holds no password"));
    }
    fs::write(&file, [0xff, b'\n']).unwrap();
    refused(name);
    fs::remove_file(&file).unwrap();
    symlink("nowhere", &file).unwrap();
    refused(&format!("{name} is a link to a file that does not exist"));
    fs::remove_file(&file).unwrap();
    assert_eq!(
        scratch.ask("SELECT count(*) FROM platform.tenants").await,
        "1"
    );
    assert_eq!(scratch.run(&create("alpha", "Alpha")).code, 0);
}

#[tokio::test]
async fn a_login_that_others_can_read_is_refused_by_every_command_that_needs_it() {
    let scratch = Scratch::ready().await;
    let file = scratch.credentials().join("database-url");
    fs::set_permissions(&file, Permissions::from_mode(0o640)).unwrap();
    for command in ["up", "diagnose", "config"] {
        let done = scratch.run(&[command]);
        let told = told(&done);
        assert_eq!((done.code, done.error()), (1, "file"), "{told}");
        assert!(
            told.contains(&format!("`chmod 600 {}`", file.display())),
            "{told}"
        );
    }
    fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
    assert_eq!(scratch.run(&["up"]).code, 0);
}

#[tokio::test]
async fn a_password_file_that_cannot_be_used_is_a_wrong_argument_and_named() {
    let scratch = Scratch::ready().await;
    let file = scratch.credentials().join("chosen");
    let mut create = create("alpha", "Alpha");
    create.extend(["--password-file", file.to_str().unwrap()]);
    for content in [
        None,
        Some(&b""[..]),
        Some(b"short\n"),
        Some(b"\xff and eleven more\n"),
    ] {
        if let Some(content) = content {
            fs::write(&file, content).unwrap();
        }
        let done = scratch.run(&create);
        let told = told(&done);
        assert_eq!((done.code, done.error()), (2, "argument"), "{told}");
        assert!(
            told.contains("--password-file: ") && told.contains(file.to_str().unwrap()),
            "{told}"
        );
    }
}
