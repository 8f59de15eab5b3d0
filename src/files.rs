//! Files of messages, and mails as they came in: on disk, named by their hash, so that the same file is kept once and
//! a name never comes from outside.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::domain::ids::WorkspaceId;
use crate::domain::secrets::file_hash;

/// The folder of kept files.
#[derive(Clone, Debug)]
pub struct Files {
    root: PathBuf,
}

impl Files {
    /// Files under the data folder.
    #[must_use]
    pub fn new(data_dir: &Path) -> Self {
        Self { root: data_dir.join("files") }
    }

    fn path(&self, workspace: WorkspaceId, sha256: &str) -> Option<PathBuf> {
        let plain = sha256.len() == 64 && sha256.bytes().all(|byte| byte.is_ascii_hexdigit());
        let start = sha256.get(..2).filter(|_| plain)?;
        Some(self.root.join(workspace.to_string()).join(start).join(sha256))
    }

    /// Keeps some bytes; says the hash by which they are found again. Written aside and moved, so that a file is there
    /// whole or not at all.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn keep(&self, workspace: WorkspaceId, bytes: &[u8]) -> io::Result<String> {
        let sha256 = file_hash(bytes);
        let path = self.path(workspace, &sha256).ok_or_else(|| io::Error::other("a hash is no file name"))?;
        if path.exists() {
            return Ok(sha256);
        }
        let folder = path.parent().ok_or_else(|| io::Error::other("a file without folder"))?;
        std::fs::create_dir_all(folder)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(&path).map_err(|error| error.error)?;
        Ok(sha256)
    }

    /// The bytes of a kept file.
    ///
    /// # Errors
    /// If it is not there or cannot be read.
    pub fn read(&self, workspace: WorkspaceId, sha256: &str) -> io::Result<Vec<u8>> {
        let path = self.path(workspace, sha256).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        std::fs::read(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kept_file_is_found_by_its_hash_only() {
        let folder = tempfile::tempdir().unwrap();
        let files = Files::new(folder.path());
        let sha256 = files.keep(WorkspaceId::NIL, b"hello").unwrap();
        assert_eq!(files.keep(WorkspaceId::NIL, b"hello").unwrap(), sha256);
        assert_eq!(files.read(WorkspaceId::NIL, &sha256).unwrap(), b"hello");
        assert!(files.read(WorkspaceId(uuid::Uuid::from_u128(1)), &sha256).is_err());
        assert!(files.read(WorkspaceId::NIL, "../../etc/passwd").is_err());
    }
}
