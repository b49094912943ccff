//! `FileWillBeUploaded`.

use futures::StreamExt as _;
use v1::file_will_be_uploaded_request::Part as FileRequest;
use v1::file_will_be_uploaded_response::Part as FileAnswer;

use super::*;

type FileAnswers = mpsc::Sender<Result<FileAnswer, ApiError>>;
type Requests = BoxStream<'static, FileRequest>;

/// A plugin whose calls are carried on by a function.
struct Uploading<H>(H);

#[async_trait]
impl<H, F> PluginHooks for Uploading<H>
where
    H: Fn(Requests, FileAnswers) -> F + Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    async fn file_will_be_uploaded(
        &self,
        requests: Parts<v1::FileWillBeUploadedRequest>,
    ) -> Result<Parts<v1::FileWillBeUploadedResponse>, ApiError> {
        let (sender, receiver) = mpsc::channel(1);
        tokio::spawn((self.0)(requests.map(|it| it.unwrap().part.unwrap()).boxed(), sender));
        let answers = tokio_stream_of(receiver);
        Ok(answers.map(|it| it.map(|part| v1::FileWillBeUploadedResponse { part: Some(part) })).boxed())
    }
}

/// Uploads a file as a server does; gives what it goes on with, and the replacement.
async fn upload(hooks: Option<Arc<dyn PluginHooks>>, content: Vec<u8>) -> (Result<Returns, CallError>, Vec<u8>) {
    Site::new(hooks).await.upload(content).await
}

/// Uploads to a plugin that is carried on by `handler`.
async fn uploaded<F>(
    content: Vec<u8>,
    handler: impl Fn(Requests, FileAnswers) -> F + Send + Sync + 'static,
) -> (Result<Returns, CallError>, Vec<u8>)
where
    F: Future<Output = ()> + Send + 'static,
{
    upload(Some(Arc::new(Uploading(handler))), content).await
}

async fn read(requests: &mut Requests) -> Vec<u8> {
    let Some(FileRequest::Start(start)) = requests.next().await else { panic!("the arguments") };
    assert_eq!(start.info, Some(original()));
    let mut content = Vec::new();
    loop {
        match requests.next().await {
            Some(FileRequest::Content(piece)) => content.extend_from_slice(&piece),
            Some(FileRequest::ContentEnd(end)) if end.error.is_empty() => return content,
            other => panic!("{other:?}"),
        }
    }
}

fn result(file_info: Option<v1::FileInfo>, reason: &str) -> Result<FileAnswer, ApiError> {
    Ok(FileAnswer::Result(v1::FileWillBeUploadedResult { file_info, reason: reason.to_owned() }))
}

#[tokio::test]
async fn a_file_is_read_replaced_and_described_anew() {
    let (returned, replaced) = uploaded(vec![7; 1_000_000], |mut requests, answers| async move {
        let content = read(&mut requests).await;
        assert!(content == vec![7; 1_000_000]);
        for piece in content.chunks(60_000) {
            let piece: Vec<u8> = piece.iter().map(|it| it + 1).collect();
            answers.send(Ok(FileAnswer::Replacement(piece.into()))).await.unwrap();
        }
        let changed = v1::FileInfo { name: String::new(), size: 9, ..original() };
        answers.send(result(Some(changed), "")).await.unwrap();
    })
    .await;
    assert!(replaced == vec![8; 1_000_000]);
    // The name is cleared, which Go's plugins cannot do, and what was not named stays.
    let expected = v1::FileInfo { name: String::new(), size: 9, ..original() };
    assert_eq!(returned.unwrap(), Returns { info: Some(expected), reason: String::new() });
}

#[tokio::test]
async fn a_file_may_be_refused_unread() {
    let (returned, replaced) = uploaded(vec![7; 5_000_000], |_requests, answers| async move {
        answers.send(result(None, "a virus")).await.unwrap();
    })
    .await;
    assert_eq!(returned.unwrap(), Returns { info: Some(original()), reason: "a virus".to_owned() });
    assert_eq!(replaced, b"");
}

#[tokio::test]
async fn a_plugin_that_fails_changes_nothing() {
    let failing: [(Option<Result<FileAnswer, ApiError>>, &str); 3] = [
        (None, "the plugin ended the call without an answer"),
        (Some(Err(ApiError::plain("the process ended"))), "the process ended"),
        // Nothing is as good as none.
        (Some(Ok(FileAnswer::Replacement(Bytes::new()))), "the plugin ended the call without an answer"),
    ];
    for (answer, why) in failing {
        let (returned, replaced) = uploaded(vec![7; 5_000_000], move |mut requests, answers| {
            let answer = answer.clone();
            async move {
                requests.next().await.unwrap();
                if let Some(answer) = answer {
                    answers.send(answer).await.unwrap();
                }
            }
        })
        .await;
        assert_eq!(returned.unwrap_err().to_string(), format!("FileWillBeUploaded failed: {why}"));
        assert_eq!(replaced, b"");
    }
}

#[tokio::test]
async fn half_a_replacement_is_not_stored() {
    let (returned, replaced) = uploaded(b"whole".to_vec(), |mut requests, answers| async move {
        read(&mut requests).await;
        answers.send(Ok(FileAnswer::Replacement("ha".into()))).await.unwrap();
        answers.send(Err(ApiError::plain("the process ended"))).await.unwrap();
    })
    .await;
    assert_eq!(replaced, b"ha", "it cannot be taken back");
    let expected = "The plugin that changes this file failed. The file was not stored; please upload it again.";
    assert_eq!(returned.unwrap().reason, expected);
}

#[tokio::test]
async fn both_streams_are_taken_even_without_a_plugin() {
    let (returned, _) = upload(None, b"whole".to_vec()).await;
    assert_eq!(returned.unwrap_err().to_string(), "FileWillBeUploaded failed: the plugin is not activated");
    struct Panicking;
    #[async_trait]
    impl PluginHooks for Panicking {
        async fn file_will_be_uploaded(
            &self,
            _: Parts<v1::FileWillBeUploadedRequest>,
        ) -> Result<Parts<v1::FileWillBeUploadedResponse>, ApiError> {
            panic!("oh")
        }
    }
    let (returned, replaced) = upload(Some(Arc::new(Panicking)), b"whole".to_vec()).await;
    assert_eq!(returned.unwrap_err().to_string(), "Plugin.FileWillBeUploaded panicked: oh");
    assert_eq!(replaced, b"");
}
