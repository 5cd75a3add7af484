//! Chromium without a window, told what to do through a pipe (the DevTools protocol): JSON, a zero
//! byte after each message.

use std::{
    collections::HashMap,
    process::Stdio,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    process::{Child, ChildStdin, ChildStdout, Command},
    sync::oneshot,
    time::{sleep, timeout},
};

/// It takes the pipe at the descriptors 3 and 4, and needs no sandbox in one.
const START: &str = "exec chromium --headless --no-sandbox --disable-gpu --disable-quic \
    --no-first-run --disable-background-networking --disable-component-update --disable-sync \
    --disable-dev-shm-usage --remote-debugging-pipe --user-data-dir=\"$1\" about:blank \
    3<&0 4>&1 </dev/null >/dev/null 2>&1";

/// A machine that is busy starts a browser slowly.
const PATIENCE: Duration = Duration::from_mins(1);

#[derive(Default)]
struct Heard {
    waiting: HashMap<u64, oneshot::Sender<Value>>,
    /// What was told without having been asked for.
    events: Vec<Value>,
}

/// A running browser; it ends with this.
pub(super) struct Chromium {
    inner: Arc<Inner>,
    _child: Child,
    _profile: tempfile::TempDir,
}

struct Inner {
    input: tokio::sync::Mutex<ChildStdin>,
    heard: Arc<Mutex<Heard>>,
    next: AtomicU64,
}

impl Chromium {
    pub(super) async fn start() -> Self {
        let profile = tempfile::tempdir().unwrap();
        let mut child = Command::new("sh")
            .args(["-c", START, "sh"])
            .arg(profile.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let heard = Arc::<Mutex<Heard>>::default();
        telemetry::spawn(listen(child.stdout.take().unwrap(), Arc::clone(&heard)));
        let inner = Inner {
            input: tokio::sync::Mutex::new(child.stdin.take().unwrap()),
            heard,
            next: AtomicU64::new(1),
        };
        let browser = Self {
            inner: Arc::new(inner),
            _child: child,
            _profile: profile,
        };
        let version = browser
            .inner
            .ask(None, "Browser.getVersion", json!({}))
            .await;
        assert!(version["product"].is_string(), "{version}");
        browser
    }

    /// Opens a page of its own.
    pub(super) async fn open(&self, url: &str) -> Page {
        let inner = &self.inner;
        let blank = json!({"url": "about:blank"});
        let target = inner.ask(None, "Target.createTarget", blank).await;
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        let session = inner.ask(None, "Target.attachToTarget", attach).await;
        let page = Page {
            inner: Arc::clone(inner),
            session: session["sessionId"].as_str().unwrap().to_owned(),
        };
        for domain in ["Log", "Runtime", "Network", "Page"] {
            page.ask(&format!("{domain}.enable"), json!({})).await;
        }
        page.ask("Page.navigate", json!({"url": url})).await;
        page
    }
}

async fn listen(output: ChildStdout, heard: Arc<Mutex<Heard>>) {
    let mut output = BufReader::new(output);
    let mut message = Vec::new();
    while output
        .read_until(0, &mut message)
        .await
        .is_ok_and(|read| read > 0)
    {
        message.pop();
        let told: Value = serde_json::from_slice(&message).unwrap();
        message.clear();
        let mut heard = heard.lock().unwrap();
        match told["id"].as_u64().and_then(|id| heard.waiting.remove(&id)) {
            // Nobody waits any more when a test has failed.
            Some(waiting) => drop(waiting.send(told)),
            None => heard.events.push(told),
        }
    }
}

impl Inner {
    async fn ask(&self, session: Option<&str>, method: &str, params: Value) -> Value {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let mut message = json!({"id": id, "method": method, "params": params});
        if let Some(session) = session {
            message["sessionId"] = session.into();
        }
        let (sender, answer) = oneshot::channel();
        self.heard.lock().unwrap().waiting.insert(id, sender);
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        let sent = self.input.lock().await.write_all(&bytes).await;
        assert!(
            sent.is_ok(),
            "Chromium does not run: is it installed? ./just test-full"
        );
        let answer = timeout(PATIENCE, answer).await;
        let Ok(Ok(answer)) = answer else {
            panic!("Chromium does not answer {method}: is it installed? ./just test-full");
        };
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].clone()
    }
}

/// A page.
pub(super) struct Page {
    inner: Arc<Inner>,
    session: String,
}

impl Page {
    async fn ask(&self, method: &str, params: Value) -> Value {
        self.inner.ask(Some(&self.session), method, params).await
    }

    /// The value of an expression of JavaScript.
    pub(super) async fn evaluate(&self, expression: &str) -> Value {
        let params = json!({"expression": expression, "returnByValue": true});
        let answer = self.ask("Runtime.evaluate", params).await;
        assert!(
            answer.get("exceptionDetails").is_none(),
            "{expression}: {answer}"
        );
        answer["result"]["value"].clone()
    }

    /// Waits until an expression holds.
    pub(super) async fn until(&self, expression: &str) {
        let holds = async {
            while self.evaluate(&format!("!!({expression})")).await != true {
                sleep(Duration::from_millis(50)).await;
            }
        };
        if timeout(PATIENCE, holds).await.is_err() {
            let complaints = self.complaints();
            let text = self.evaluate("document.body.innerText").await;
            panic!("never: {expression}\ncomplaints: {complaints:#?}\non the page: {text}");
        }
    }

    /// Clicks something as soon as it is there.
    pub(super) async fn click(&self, selector: &str) {
        let element = format!("document.querySelector({})", json!(selector));
        self.until(&element).await;
        self.evaluate(&format!("{element}.click()")).await;
    }

    /// Puts the cursor into a field, and writes.
    pub(super) async fn fill(&self, selector: &str, text: &str) {
        let element = format!("document.querySelector({})", json!(selector));
        self.until(&element).await;
        self.evaluate(&format!("{element}.focus(), {element}.select()"))
            .await;
        self.ask("Input.insertText", json!({"text": text})).await;
        self.until(&format!("{element}.value === {}", json!(text)))
            .await;
    }

    /// Errors in the console or the log of this page, and what could not be loaded.
    pub(super) fn complaints(&self) -> Vec<String> {
        let heard = self.inner.heard.lock().unwrap();
        let own = heard
            .events
            .iter()
            .filter(|it| it["sessionId"] == self.session.as_str());
        own.filter(|event| match event["method"].as_str() {
            Some("Log.entryAdded") => {
                ["error", "warning"].contains(&event["params"]["entry"]["level"].as_str().unwrap())
            }
            Some("Runtime.consoleAPICalled") => event["params"]["type"] == "error",
            Some("Runtime.exceptionThrown" | "Network.loadingFailed") => true,
            _ => false,
        })
        .map(ToString::to_string)
        .collect()
    }
}
