//! What is left of a job: the rows that failed, and its requests.

use std::sync::Arc;

use axum::extract::Path;
use axum::http::StatusCode;

use crate::download::{download, send};
use crate::{PageError, Result, User};
use jobs::job::Files;

/// Why failed rows are not sent.
const ELSEWHERE: &str = "The rows that failed lie on another node of this server, which ran the import. Try again: another \
                         try may reach that node.";

/// The rows that were not imported.
pub async fn failures(user: User, Path(id): Path<String>) -> Result {
    let job = user.job(&id).await?;
    let files = match &job.files {
        Files::Here(files) => files,
        Files::Elsewhere => return Err(PageError::Refused(StatusCode::CONFLICT, ELSEWHERE.to_owned())),
        Files::None => return Err(PageError::NotFound),
    };
    send(&files.failures(), "text/csv; charset=utf-8", &format!("failed-{}.csv", job.key.id)).await
}

/// The requests that a change of many has made, an id a line.
pub async fn requests(user: User, Path(id): Path<String>) -> Result {
    let job = user.job(&id).await?;
    if job.parts == 0 {
        return Err(PageError::NotFound);
    }
    let (storage, key, parts) = (Arc::clone(&user.app.storage), job.key, job.parts);
    let pieces = futures_util::stream::try_unfold(1, move |number| {
        let storage = Arc::clone(&storage);
        async move {
            if number > parts {
                return Ok(None);
            }
            // The connection is cut if one is missing: half of them must not be taken for all.
            let part = storage.job_part(key, number).await.map_err(std::io::Error::other)?;
            let part = part.ok_or_else(|| std::io::Error::other("a part of a job is gone"))?;
            Ok::<_, std::io::Error>(Some((bytes::Bytes::from(part), number + 1)))
        }
    });
    let name = format!("requests-{}.txt", key.id);
    Ok(download(axum::body::Body::from_stream(pieces), "text/plain; charset=utf-8", &name))
}
