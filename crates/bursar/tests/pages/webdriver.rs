//! A browser under control: Chromium behind its driver, by the few calls of the WebDriver protocol that tests need.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use ureq::Agent;

/// The longest wait for anything. Real time; only a broken page reaches it.
const PATIENCE: Duration = Duration::from_secs(30);
const FLAGS: [&str; 8] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];
/// Under this key the protocol names elements.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// Whether pages may run scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scripts {
    On,
    Off,
}

/// A browser with an empty profile. Dropping it ends it.
pub struct Browser {
    driver: Child,
    agent: Agent,
    session: String,
    _profile: TempDir,
}

impl Browser {
    /// Starts one; `None` when none is installed, which CI does not accept.
    pub fn start(scripts: Scripts) -> Option<Browser> {
        let (Some(chromium), Some(driver)) = (program("chromium"), program("chromedriver")) else {
            let text = "chromium and chromedriver are not installed: ./test installs them";
            assert!(std::env::var_os("CI").is_none_or(|ci| ci.is_empty()), "{text}");
            println!("SKIPPED, nothing was tested: {text}");
            return None;
        };
        let profile = TempDir::new().unwrap();
        let mut driver = Command::new(driver);
        let driver = driver.arg("--port=0").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut driver = driver.spawn().unwrap();
        let port = port(&mut driver);
        let agent =
            Agent::config_builder().http_status_as_error(false).proxy(None).timeout_global(Some(PATIENCE));
        let mut arguments: Vec<String> = FLAGS.map(str::to_owned).into();
        arguments.push(format!("--user-data-dir={}", profile.path().display()));
        let options = json!({"binary": chromium, "args": arguments});
        let mut browser = Browser {
            driver,
            agent: agent.build().into(),
            session: format!("http://127.0.0.1:{port}/session"),
            _profile: profile,
        };
        let wanted = json!({"capabilities": {"alwaysMatch": {
            "browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"},
        }}});
        let opened = browser.post("", &wanted);
        browser.session = format!("{}/{}", browser.session, opened["sessionId"].as_str().unwrap());
        if scripts == Scripts::Off {
            browser.forbid_scripts();
        }
        Some(browser)
    }

    /// Keeps pages from running scripts, and makes sure of it.
    fn forbid_scripts(&self) {
        self.command("Emulation.setScriptExecutionDisabled", &json!({"value": true}));
        self.open(
            "data:text/html,<p id=a>silent</p><noscript>off</noscript><script>a.textContent='ran'</script>",
        );
        assert_eq!(self.text("body"), "silent off");
    }

    /// Opens a page and waits until it is loaded.
    #[track_caller]
    pub fn open(&self, url: &str) {
        self.post("/url", &json!({"url": url}));
    }

    /// The window's size in pixels.
    #[track_caller]
    pub fn resize(&self, width: u32, height: u32) {
        self.post("/window/rect", &json!({"width": width, "height": height}));
    }

    /// The screen's size in pixels, which may be smaller than any window can be.
    #[track_caller]
    pub fn screen(&self, width: u32, height: u32) {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.command("Emulation.setDeviceMetricsOverride", &size);
    }

    /// Whether the person prefers `light` or `dark`.
    #[track_caller]
    pub fn prefer(&self, scheme: &str) {
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.command("Emulation.setEmulatedMedia", &features);
    }

    /// Sets a cookie of the page that is open.
    #[track_caller]
    pub fn set_cookie(&self, name: &str, value: &str) {
        self.post("/cookie", &json!({"cookie": {"name": name, "value": value, "path": "/"}}));
    }

    #[track_caller]
    fn command(&self, command: &str, params: &Value) {
        self.post("/goog/cdp/execute", &json!({"cmd": command, "params": params}));
    }

    /// Clicks the first element that fits the selector; a page that follows is loaded when this returns.
    #[track_caller]
    pub fn click(&self, selector: &str) {
        let element = self.find(selector);
        self.post(&format!("/element/{element}/click"), &json!({}));
    }

    /// Types into the first element that fits the selector.
    #[track_caller]
    pub fn type_into(&self, selector: &str, text: &str) {
        let element = self.find(selector);
        self.post(&format!("/element/{element}/value"), &json!({"text": text}));
    }

    /// The text that a person sees in the first element that fits the selector.
    #[track_caller]
    pub fn text(&self, selector: &str) -> String {
        self.look(selector).unwrap_or_else(|why| panic!("{selector}: {why}"))
    }

    /// Waits until an element that fits the selector shows a text that contains `wanted`. Meanwhile elements come, go
    /// and are replaced.
    #[track_caller]
    pub fn wait_for(&self, selector: &str, wanted: &str) {
        let patience = Instant::now() + PATIENCE;
        loop {
            let text = self.look(selector);
            if text.as_ref().is_ok_and(|text| text.contains(wanted)) {
                return;
            }
            assert!(Instant::now() < patience, "no {wanted:?} in {selector}: {text:?}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// The text that a person sees now in the first element that fits the selector, or why there is none. The driver's
    /// own way to read a text leaves out what stands in for scripts.
    fn look(&self, selector: &str) -> Result<String, String> {
        let script = "return document.querySelector(arguments[0])?.innerText ?? null";
        let text = self.ask("/execute/sync", &json!({"script": script, "args": [selector]}))?;
        let text = text.as_str().ok_or("there is no such element")?;
        Ok(text.split_whitespace().collect::<Vec<_>>().join(" "))
    }

    /// What a script in the page finds.
    #[track_caller]
    pub fn evaluate(&self, script: &str) -> Value {
        self.post("/execute/sync", &json!({"script": script, "args": []}))
    }

    /// Problems that the browser reports, such as breaches of the content policy.
    #[track_caller]
    pub fn problems(&self) -> Vec<String> {
        let log = self.post("/se/log", &json!({"type": "browser"}));
        log.as_array().unwrap().iter().map(|entry| entry["message"].to_string()).collect()
    }

    #[track_caller]
    fn find(&self, selector: &str) -> String {
        let wanted = json!({"using": "css selector", "value": selector});
        self.post("/element", &wanted)[ELEMENT].as_str().unwrap().to_owned()
    }

    #[track_caller]
    fn post(&self, path: &str, body: &Value) -> Value {
        self.ask(path, body).unwrap_or_else(|why| panic!("{path} {body}: {why}"))
    }

    fn ask(&self, path: &str, body: &Value) -> Result<Value, String> {
        let request = self.agent.post(format!("{}{path}", self.session));
        value(request.header("content-type", "application/json").send(body.to_string()))
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Ending the session ends the browser, which the driver alone would leave behind.
        let _ = self.agent.delete(&self.session).call();
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// What the driver answers, or what it complains about.
fn value(answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Result<Value, String> {
    let mut answer = answer.map_err(|error| error.to_string())?;
    let status = answer.status().as_u16();
    let text = answer.body_mut().read_to_string().map_err(|error| error.to_string())?;
    let body: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    match status {
        200 => Ok(body["value"].clone()),
        _ => Err(body["value"]["message"].to_string()),
    }
}

/// The driver says on which port it listens.
fn port(driver: &mut Child) -> u16 {
    let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
    let line = lines.find_map(|line| line.ok().filter(|line| line.contains("started successfully on port ")));
    let line = line.expect("chromedriver starts");
    // It goes on writing; nobody may close the pipe.
    std::thread::spawn(move || lines.for_each(drop));
    line.rsplit("port ").next().unwrap().trim_end_matches('.').parse().unwrap()
}

fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}
