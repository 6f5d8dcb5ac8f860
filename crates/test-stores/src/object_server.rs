//! A real object store for tests: it speaks the protocol of S3 and checks signatures, and it misbehaves on command.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::body::{Bytes, Frame, Incoming};
use hyper::header::CONTENT_LENGTH;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use s3s::Body;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

/// Its only bucket.
pub const BUCKET: &str = "backups";
/// Its only key.
pub const ACCESS_KEY_ID: &str = "test-access-key";
/// The secret of that key.
pub const SECRET_ACCESS_KEY: &str = "test-secret-of-the-access-key";

/// The most bytes of one answer that is meddled with.
const ANSWER_BYTES_MAX: usize = 256 << 20;

/// What it does instead of answering well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misdeed {
    /// Answers this status and does nothing.
    Refuse(u16),
    /// Closes the connection and does nothing.
    HangUp,
    /// Does what it is asked, and answers 500 as if it had not.
    LoseAnswer,
    /// Does what it is asked, and closes the connection in the middle of the answer.
    CutAnswer,
    /// Does nothing for this long, and then closes the connection.
    Stall(Duration),
    /// Answers with one bit of the body changed.
    FlipBit,
}

/// What is to go wrong: requests of a method whose target contains a text, so many times.
#[derive(Clone, Debug)]
struct Plan {
    method: &'static str,
    target: String,
    misdeed: Misdeed,
    left: usize,
}

#[derive(Default)]
struct State {
    plans: Mutex<Vec<Plan>>,
    asked: Mutex<Vec<String>>,
}

/// A server on a free port of this machine. Dropping it ends it and removes what it holds.
pub struct ObjectServer {
    address: SocketAddr,
    folder: TempDir,
    state: Arc<State>,
    _runtime: Runtime,
}

impl ObjectServer {
    /// Starts one with an empty bucket.
    pub fn start() -> ObjectServer {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::create_dir(folder.path().join(BUCKET)).expect("a bucket");
        let files = s3s_fs::FileSystem::new(folder.path()).expect("a folder for objects");
        let mut builder = S3ServiceBuilder::new(files);
        builder.set_auth(SimpleAuth::from_single(ACCESS_KEY_ID, SECRET_ACCESS_KEY));
        let (service, state) = (builder.build(), Arc::new(State::default()));
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a free port");
        let address = listener.local_addr().expect("its address");
        runtime.spawn(serve(listener, service, Arc::clone(&state)));
        ObjectServer { address, folder, state, _runtime: runtime }
    }

    /// `http://127.0.0.1:PORT`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The folder in which the objects of the bucket lie as files.
    pub fn bucket(&self) -> PathBuf {
        self.folder.path().join(BUCKET)
    }

    /// From now on the next `times` requests of `method` whose path and query contain `target` go wrong.
    pub fn misbehave(&self, method: &'static str, target: &str, misdeed: Misdeed, times: usize) {
        let plan = Plan { method, target: target.to_owned(), misdeed, left: times };
        self.state.plans.lock().expect("no panic").push(plan);
    }

    /// Forgets what was to go wrong.
    pub fn behave(&self) {
        self.state.plans.lock().expect("no panic").clear();
    }

    /// Every request so far, as `METHOD /path?query`, without signatures.
    pub fn asked(&self) -> Vec<String> {
        self.state.asked.lock().expect("no panic").clone()
    }
}

impl State {
    /// Notes the request, and says what is to go wrong with it.
    fn plan(&self, method: &str, target: &str) -> Option<Misdeed> {
        let shown: Vec<&str> = target.split(['?', '&']).filter(|part| !part.starts_with("X-Amz-")).collect();
        let shown = format!("{method} {}", shown.join("&"));
        let mut plans = self.plans.lock().expect("no panic");
        let is_meant =
            |plan: &&mut Plan| plan.left > 0 && plan.method == method && shown.contains(&plan.target);
        let misdeed = plans.iter_mut().find(is_meant).map(|plan| {
            plan.left -= 1;
            plan.misdeed
        });
        self.asked.lock().expect("no panic").push(shown);
        misdeed
    }
}

async fn serve(listener: TcpListener, service: S3Service, state: Arc<State>) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(connection(stream, service.clone(), Arc::clone(&state)));
    }
}

async fn connection(stream: TcpStream, service: S3Service, state: Arc<State>) -> Result<(), Infallible> {
    let answer = service_fn(move |request: Request<Incoming>| {
        let (service, state) = (service.clone(), Arc::clone(&state));
        async move { answer(request, &service, &state).await }
    });
    let http = hyper::server::conn::http1::Builder::new();
    // A connection that breaks is the client's to notice.
    let _ = http.serve_connection(TokioIo::new(stream), answer).await;
    Ok(())
}

async fn answer(
    request: Request<Incoming>,
    service: &S3Service,
    state: &State,
) -> io::Result<Response<Body>> {
    let is_head = request.method() == Method::HEAD;
    let target = request.uri().path_and_query().map_or("", |target| target.as_str()).to_owned();
    let misdeed = state.plan(request.method().as_str(), &target);
    let hang_up = || io::Error::other("hung up as planned");
    match misdeed {
        Some(Misdeed::Refuse(status)) => return Ok(status_only(status)),
        Some(Misdeed::HangUp) => return Err(hang_up()),
        Some(Misdeed::Stall(long)) => {
            tokio::time::sleep(long).await;
            return Err(hang_up());
        }
        Some(Misdeed::LoseAnswer | Misdeed::CutAnswer | Misdeed::FlipBit) | None => {}
    }
    let mut done = service
        .call(request.map(Body::from))
        .await
        .map_err(|error| io::Error::other(format!("{error:?}")))?;
    let Some(misdeed) = misdeed.filter(|_| !is_head) else { return Ok(done) };
    if misdeed == Misdeed::LoseAnswer {
        return Ok(status_only(500));
    }
    let body = done.body_mut().store_all_limited(ANSWER_BYTES_MAX).await.map_err(io::Error::other)?;
    let mut bytes = body.to_vec();
    let middle = bytes.len() / 2;
    *done.body_mut() = match bytes.get_mut(middle) {
        Some(byte) if misdeed == Misdeed::FlipBit => {
            *byte ^= 1;
            Body::from(bytes)
        }
        _ => {
            done.headers_mut().insert(CONTENT_LENGTH, bytes.len().into());
            Body::http_body(Cut(Some(body.slice(..middle))))
        }
    };
    Ok(done)
}

/// A body that breaks off.
struct Cut(Option<Bytes>);

impl hyper::body::Body for Cut {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        Poll::Ready(Some(match self.0.take() {
            Some(beginning) => Ok(Frame::data(beginning)),
            None => Err(io::Error::other("cut as planned")),
        }))
    }
}

fn status_only(status: u16) -> Response<Body> {
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = status.try_into().expect("a status");
    answer
}
