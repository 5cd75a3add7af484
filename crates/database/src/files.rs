//! Files of a tenant: what is too large for a row or a message.

use std::{fs::File, os::unix::fs::FileExt as _, sync::Arc};

use async_trait::async_trait;
use kernel::{Ambient, FileChunkId, FileId};
use sea_orm::FromQueryResult;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{StoreError, TenantTx};

/// How long a piece is, in bytes.
const CHUNK: usize = 256 * 1024;

/// A file that is to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewFile {
    /// What people call it, 1 to 400 bytes.
    pub name: String,
    /// From when on it may be cleared away; `None`: never.
    pub expires_at: Option<OffsetDateTime>,
}

/// Keeps files of tenants, in the transaction of whatever they are for: a file is there if, and only
/// if, that is. A tenant reaches its own files alone.
///
/// They lie in the tenant's tables ([`PostgresFiles`]), and are restored, moved and erased with it. A
/// store of objects can take their place behind this trait.
#[async_trait]
pub trait Files: Send + Sync {
    /// Keeps what a file holds, from its beginning, whatever was read of it.
    ///
    /// # Errors
    /// [`FileError`].
    async fn store(
        &self,
        tx: &TenantTx,
        new: &NewFile,
        content: &Arc<File>,
    ) -> Result<FileId, FileError>;

    /// Writes what is kept to the beginning of another file; `false` when there is no such file.
    ///
    /// # Errors
    /// [`FileError`].
    async fn fetch(&self, tx: &TenantTx, id: FileId, into: &Arc<File>) -> Result<bool, FileError>;

    /// Deletes a file; `false` when there is none.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn delete(&self, tx: &TenantTx, id: FileId) -> Result<bool, StoreError>;

    /// Deletes at most so many files that are out of date; how many it were.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn clear(&self, tx: &TenantTx, now: OffsetDateTime, most: u32)
    -> Result<u64, StoreError>;
}

/// Why a file was not kept, or not had.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The file on this machine's disk.
    #[error("a file for temporary use cannot be read or written")]
    Disk(#[from] std::io::Error),
    /// Storage.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Keeps files in the tenant's tables, in pieces of 256 KiB: one is in memory at a time.
#[derive(Clone, Debug)]
pub struct PostgresFiles {
    ambient: Ambient,
}

impl PostgresFiles {
    /// Draws ids and reads the clock here.
    pub fn new(ambient: Ambient) -> Self {
        Self { ambient }
    }
}

const INSERT: &str =
    "INSERT INTO files (id, name, length, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)";
const INSERT_CHUNK: &str =
    "INSERT INTO file_chunks (id, file_id, number, content) VALUES ($1, $2, $3, $4)";
const LENGTH: &str = "SELECT length FROM files WHERE id = $1";
const CONTENT: &str = "SELECT content FROM file_chunks WHERE file_id = $1 AND number = $2";
const DELETE_CHUNKS: &str = "DELETE FROM file_chunks WHERE file_id = $1";
const DELETE: &str = "DELETE FROM files WHERE id = $1";
const EXPIRED: &str = "SELECT id FROM files WHERE expires_at <= $1 \
     ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED";

#[derive(FromQueryResult)]
struct Length {
    length: i64,
}

#[derive(FromQueryResult)]
struct Content {
    content: Vec<u8>,
}

#[derive(FromQueryResult)]
struct Expired {
    id: Uuid,
}

#[async_trait]
impl Files for PostgresFiles {
    async fn store(
        &self,
        tx: &TenantTx,
        new: &NewFile,
        content: &Arc<File>,
    ) -> Result<FileId, FileError> {
        let id: FileId = self.ambient.id();
        let length = content.metadata()?.len();
        let values = [
            id.uuid().into(),
            new.name.as_str().into(),
            i64::try_from(length).map_err(StoreError::corrupt)?.into(),
            self.ambient.now().into(),
            new.expires_at.into(),
        ];
        tx.run(INSERT, values).await?;
        for (number, start) in (0..length).step_by(CHUNK).enumerate() {
            let size = usize::try_from(length - start).map_or(CHUNK, |rest| rest.min(CHUNK));
            let piece = read(content, start, size).await?;
            let chunk: FileChunkId = self.ambient.id();
            let number = i32::try_from(number).map_err(StoreError::corrupt)?;
            let values = [
                chunk.uuid().into(),
                id.uuid().into(),
                number.into(),
                piece.into(),
            ];
            tx.run(INSERT_CHUNK, values).await?;
        }
        Ok(id)
    }

    async fn fetch(&self, tx: &TenantTx, id: FileId, into: &Arc<File>) -> Result<bool, FileError> {
        let Some(Length { length }) = tx.row(LENGTH, [id.uuid().into()]).await? else {
            return Ok(false);
        };
        let (mut written, mut number) = (0_u64, 0_i32);
        while written < length.unsigned_abs() {
            let piece: Option<Content> = tx.row(CONTENT, [id.uuid().into(), number.into()]).await?;
            let Content { content } = piece.ok_or_else(|| {
                StoreError::corrupt(format!("a piece of the file {id} is missing"))
            })?;
            let size = content.len() as u64;
            write(into, written, content).await?;
            written += size;
            number += 1;
        }
        Ok(true)
    }

    async fn delete(&self, tx: &TenantTx, id: FileId) -> Result<bool, StoreError> {
        tx.run(DELETE_CHUNKS, [id.uuid().into()]).await?;
        Ok(tx.run(DELETE, [id.uuid().into()]).await? > 0)
    }

    async fn clear(
        &self,
        tx: &TenantTx,
        now: OffsetDateTime,
        most: u32,
    ) -> Result<u64, StoreError> {
        let values = [now.into(), i64::from(most).into()];
        let expired: Vec<Expired> = tx.rows(EXPIRED, values).await?;
        let mut cleared = 0;
        for Expired { id } in expired {
            cleared += u64::from(self.delete(tx, FileId::new(id)).await?);
        }
        Ok(cleared)
    }
}

/// Files are read and written where that keeps no other task waiting.
async fn read(file: &Arc<File>, start: u64, size: usize) -> std::io::Result<Vec<u8>> {
    let file = Arc::clone(file);
    let piece = telemetry::spawn_blocking(move || {
        let mut piece = vec![0; size];
        file.read_exact_at(&mut piece, start)?;
        Ok(piece)
    });
    piece.await.map_err(std::io::Error::other)?
}

async fn write(file: &Arc<File>, start: u64, piece: Vec<u8>) -> std::io::Result<()> {
    let file = Arc::clone(file);
    let written = telemetry::spawn_blocking(move || file.write_all_at(&piece, start));
    written.await.map_err(std::io::Error::other)?
}
