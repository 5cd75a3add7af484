//! The folder with the secrets that this machine generated.

use std::{
    fs::{self, DirBuilder, OpenOptions, Permissions},
    io::{self, ErrorKind, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use kernel::Ambient;
use secrecy::{ExposeSecret as _, SecretString};

use super::Failure;

/// A folder of secrets, one a file, readable by their owner alone. A file appears whole or not at
/// all, and is on the disk before it is relied on. A file that others can read, or a folder that
/// they can write in, is refused: what lies there may be no secret, or be theirs.
#[derive(Clone, Debug)]
pub struct Credentials {
    folder: PathBuf,
    ambient: Ambient,
}

impl Credentials {
    /// The folder; it is made, for its owner alone, when the first secret is kept.
    pub fn new(folder: impl Into<PathBuf>, ambient: Ambient) -> Self {
        Self {
            folder: folder.into(),
            ambient,
        }
    }

    /// Where a secret lies.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Reads a secret.
    ///
    /// # Errors
    /// [`Failure::File`], [`Failure::Credential`].
    pub fn read(&self, name: &str) -> Result<Option<SecretString>, Failure> {
        self.refuse_writers()?;
        let path = self.path(name);
        match fs::metadata(&path) {
            Ok(file) if file.permissions().mode() & 0o077 != 0 => {
                let problem = format!(
                    "can be read or written by others than its owner: if it is yours and nobody \
                     has read it, `chmod 600 {}`",
                    path.display()
                );
                Err(Failure::Credential { path, problem })
            }
            Err(error) if error.kind() == ErrorKind::NotFound && path.is_symlink() => {
                let problem = "is a link to a file that does not exist: remove it, or bring the \
                               file back"
                    .to_owned();
                Err(Failure::Credential { path, problem })
            }
            _ => read_secret(&path),
        }
    }

    /// Keeps a new secret, unless there is one of this name; returns the one that is there in the
    /// end. Of several who do this at once, one writes and all return the same.
    ///
    /// # Errors
    /// [`Failure::File`], [`Failure::Credential`].
    pub fn keep(
        &self,
        name: &str,
        make: impl FnOnce() -> SecretString,
    ) -> Result<SecretString, Failure> {
        if let Some(secret) = self.read(name)? {
            return Ok(secret);
        }
        let secret = make();
        let path = self.path(name);
        let draft = self.write_draft(name, &secret)?;
        // A link, unlike a rename, does not replace what is there.
        let linked = fs::hard_link(&draft, &path);
        let _ = fs::remove_file(&draft);
        match linked {
            Ok(()) => {
                self.settle(&path)?;
                Ok(secret)
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                let gone = || at(&path)(ErrorKind::NotFound.into());
                self.read(name)?.ok_or_else(gone)
            }
            Err(error) => Err(at(&path)(error)),
        }
    }

    /// Keeps a secret in the place of another.
    ///
    /// # Errors
    /// [`Failure::File`], [`Failure::Credential`].
    pub fn replace(&self, name: &str, secret: &SecretString) -> Result<(), Failure> {
        let path = self.path(name);
        let draft = self.write_draft(name, secret)?;
        fs::rename(&draft, &path).map_err(at(&path))?;
        self.settle(&path)
    }

    /// Draws a password that can be typed: 130 bits in groups of letters and digits that do not
    /// look alike.
    pub fn draw_password(&self) -> SecretString {
        // Crockford's base 32.
        const SYMBOLS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
        let mut password = String::new();
        for (place, byte) in self.ambient.bytes::<26>().into_iter().enumerate() {
            if place > 0 && place % 7 == 0 {
                password.push('-');
            }
            let symbol = SYMBOLS.get(usize::from(byte % 32)).copied();
            password.extend(symbol.map(char::from));
        }
        password.into()
    }

    /// Refuses a folder in which others could replace a file.
    fn refuse_writers(&self) -> Result<(), Failure> {
        match fs::metadata(&self.folder) {
            Ok(folder) if folder.permissions().mode() & 0o022 != 0 => {
                let problem = format!(
                    "can be written by others than its owner: if everything in it is yours, \
                     `chmod 700 {}`",
                    self.folder.display()
                );
                let path = self.folder.clone();
                Err(Failure::Credential { path, problem })
            }
            // What else is wrong with it, its use tells.
            _ => Ok(()),
        }
    }

    fn write_draft(&self, name: &str, secret: &SecretString) -> Result<PathBuf, Failure> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.folder)
            .map_err(at(&self.folder))?;
        self.refuse_writers()?;
        let number = u64::from_be_bytes(self.ambient.bytes());
        let draft = self.path(&format!(".{name}.{number:016x}"));
        let write = || -> io::Result<()> {
            let mut file = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&draft)?;
            // Whatever the umask took away.
            file.set_permissions(Permissions::from_mode(0o600))?;
            writeln!(file, "{}", secret.expose_secret())?;
            file.sync_all()
        };
        write().map_err(at(&draft))?;
        Ok(draft)
    }

    fn settle(&self, path: &Path) -> Result<(), Failure> {
        let folder = fs::File::open(&self.folder).and_then(|folder| folder.sync_all());
        folder.map_err(at(path))
    }
}

/// Reads a file that holds a secret; the line feed at its end belongs to no secret.
pub(super) fn read_secret(path: &Path) -> Result<Option<SecretString>, Failure> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text.trim_end_matches(['\r', '\n']).into())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(at(path)(error)),
    }
}

fn at(path: &Path) -> impl Fn(io::Error) -> Failure {
    move |source| Failure::File {
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    fn credentials(folder: &Path) -> Credentials {
        Credentials::new(folder.join("credentials"), Ambient::system())
    }

    #[test]
    fn a_secret_is_kept_once_and_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let credentials = credentials(folder.path());
        assert!(credentials.read("password").unwrap().is_none());
        let first = credentials.keep("password", || "first".into()).unwrap();
        let second = credentials.keep("password", || "second".into()).unwrap();
        assert_eq!(first.expose_secret(), "first");
        assert_eq!(second.expose_secret(), "first");
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&credentials.path("password")), 0o600);
        assert_eq!(mode(&folder.path().join("credentials")), 0o700);
        let files = fs::read_dir(folder.path().join("credentials")).unwrap();
        assert_eq!(files.count(), 1);
    }

    #[test]
    fn what_others_can_read_or_replace_is_no_secret() {
        let folder = tempfile::tempdir().unwrap();
        let credentials = credentials(folder.path());
        credentials.keep("password", || "first".into()).unwrap();
        let (file, home) = (
            credentials.path("password"),
            folder.path().join("credentials"),
        );
        let refused = || {
            let refused = credentials.keep("password", || panic!("there is one"));
            refused.unwrap_err().to_string()
        };
        for mode in [0o644, 0o640, 0o604, 0o620, 0o602, 0o666] {
            fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
            let (told, remedy) = (refused(), format!("`chmod 600 {}`", file.display()));
            assert!(told.contains(&remedy), "{mode:o}: {told}");
            assert!(credentials.read("password").is_err());
        }
        for mode in [0o400, 0o600, 0o700] {
            fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
            assert!(credentials.read("password").unwrap().is_some(), "{mode:o}");
        }
        for mode in [0o777, 0o770, 0o702, 0o1777] {
            fs::set_permissions(&home, Permissions::from_mode(mode)).unwrap();
            let (told, remedy) = (refused(), format!("`chmod 700 {}`", home.display()));
            assert!(told.contains(&remedy), "{mode:o}: {told}");
            assert!(credentials.replace("password", &"other".into()).is_err());
            assert!(credentials.keep("new", || "other".into()).is_err());
        }
        fs::set_permissions(&home, Permissions::from_mode(0o755)).unwrap();
        assert_eq!(
            credentials
                .read("password")
                .unwrap()
                .unwrap()
                .expose_secret(),
            "first"
        );
    }

    #[test]
    fn a_link_to_nothing_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let credentials = credentials(folder.path());
        credentials.keep("other", || "first".into()).unwrap();
        let file = credentials.path("password");
        std::os::unix::fs::symlink("nowhere", &file).unwrap();
        for refused in [
            credentials.read("password").unwrap_err(),
            credentials.keep("password", || "new".into()).unwrap_err(),
        ] {
            let told = refused.to_string();
            assert!(told.contains(&file.display().to_string()), "{told}");
            assert!(
                told.contains("is a link to a file that does not exist"),
                "{told}"
            );
        }
    }

    #[test]
    fn of_many_who_keep_a_secret_at_once_all_get_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let keep = |number: u8| {
            let credentials = credentials(folder.path());
            let secret = credentials.keep("password", || number.to_string().into());
            secret.unwrap().expose_secret().to_owned()
        };
        let kept: Vec<String> = thread::scope(|threads| {
            let started: Vec<_> = (0..16)
                .map(|number| threads.spawn(move || keep(number)))
                .collect();
            started.into_iter().map(|it| it.join().unwrap()).collect()
        });
        assert!(kept.iter().all(|secret| *secret == kept[0]), "{kept:?}");
    }

    #[test]
    fn passwords_are_long_and_different() {
        let credentials = credentials(Path::new("/nowhere"));
        let (one, other) = (credentials.draw_password(), credentials.draw_password());
        assert_eq!(one.expose_secret().len(), 29);
        assert_ne!(one.expose_secret(), other.expose_secret());
    }
}
