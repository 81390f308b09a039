//! Chromium, headless, through chromedriver: the few commands of WebDriver (W3C) that our steps need. A client crate
//! would bring an asynchronous runtime and TLS for what is JSON over one loopback connection.

pub(crate) mod door;

use core::time::Duration;
use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::time::Instant;

use serde_json::{Value, json};

use crate::error::{Context as _, Failure, Result, fail};
use crate::interrupt;
use crate::process::{Background, command};

/// Keys as WebDriver writes them.
pub(crate) const DOWN: &str = "\u{e015}";
pub(crate) const ENTER: &str = "\u{e007}";

/// Chromium takes seconds to begin on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A browser with one window. Dropping it ends it.
pub(crate) struct Browser {
    _driver: Background,
    port: u16,
    session: String,
}

/// Width and height in CSS pixels.
pub(crate) type Size = (u32, u32);

impl Browser {
    pub(crate) fn start(folder: &Path, language: &str) -> Result<Self> {
        let port = free_port()?;
        let driver = command(&["chromedriver", &format!("--port={port}")]);
        let mut driver = Background::start(driver, "chromedriver", &folder.join("driver.log"))?;
        driver.wait_for_line(PATIENCE, |line| line.contains("started successfully"))?;
        let profile = folder.join(format!("profile-{language}"));
        let arguments = [
            "--headless=new".to_owned(),
            "--no-sandbox".to_owned(),
            "--disable-gpu".to_owned(),
            "--disable-dev-shm-usage".to_owned(),
            // Nothing but the page itself.
            "--disable-background-networking".to_owned(),
            "--disable-component-update".to_owned(),
            "--no-first-run".to_owned(),
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1".to_owned(),
            format!("--user-data-dir={}", profile.display()),
            format!("--lang={language}"),
        ];
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "goog:chromeOptions": { "args": arguments, "prefs": { "intl.accept_languages": language } },
            "goog:loggingPrefs": { "browser": "ALL" },
        } } });
        let mut browser = Self { _driver: driver, port, session: String::new() };
        let made = browser.ask("POST", "/session", &wanted)?;
        let id = made["sessionId"].as_str();
        browser.session =
            id.ok_or_else(|| Failure::new("chromedriver gave no session"))?.to_owned();
        Ok(browser)
    }

    pub(crate) fn open(&self, url: &str) -> Result<()> {
        self.command("url", &json!({ "url": url })).map(drop)
    }

    /// What a script returns; it may be a promise.
    pub(crate) fn run(&self, script: &str) -> Result<Value> {
        self.command("execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// Runs a script until it returns something.
    pub(crate) fn until(&self, what: &str, script: &str) -> Result<Value> {
        self.within(PATIENCE, what, script)
    }

    /// The same with a patience of one's own.
    pub(crate) fn within(&self, patience: Duration, what: &str, script: &str) -> Result<Value> {
        let started = Instant::now();
        loop {
            let value = self.run(script)?;
            if !matches!(value, Value::Null | Value::Bool(false)) {
                return Ok(value);
            }
            if started.elapsed() > patience {
                let shown = self.run("return document.body.innerText.slice(0, 2000)")?;
                return fail(format!("{what}: it does not come; the page shows {shown}"));
            }
            interrupt::pause(Duration::from_millis(50))?;
        }
    }

    /// Presses keys, as WebDriver writes them, wherever the focus is.
    pub(crate) fn press(&self, keys: &str) -> Result<()> {
        let strokes = keys.chars().flat_map(|key| {
            let key = key.to_string();
            [json!({ "type": "keyDown", "value": key }), json!({ "type": "keyUp", "value": key })]
        });
        let actions = json!({ "actions": [
            { "type": "key", "id": "keyboard", "actions": strokes.collect::<Vec<_>>() },
        ] });
        self.command("actions", &actions).map(drop)
    }

    pub(crate) fn resize(&self, (width, height): Size) -> Result<()> {
        let metrics = json!({ "cmd": "Emulation.setDeviceMetricsOverride", "params": {
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600,
        } });
        self.command("goog/cdp/execute", &metrics).map(drop)
    }

    pub(crate) fn set_dark(&self, dark: bool) -> Result<()> {
        let value = if dark { "dark" } else { "light" };
        let media = json!({ "cmd": "Emulation.setEmulatedMedia", "params": {
            "features": [{ "name": "prefers-color-scheme", "value": value }],
        } });
        self.command("goog/cdp/execute", &media).map(drop)
    }

    /// How long the page has kept a processor busy since it was loaded; the first call begins to count.
    pub(crate) fn busy(&self) -> Result<Duration> {
        // Processor time and not the clock's: other programs do not count.
        let enable =
            json!({ "cmd": "Performance.enable", "params": { "timeDomain": "threadTicks" } });
        self.command("goog/cdp/execute", &enable)?;
        let ask = json!({ "cmd": "Performance.getMetrics", "params": {} });
        let metrics = self.command("goog/cdp/execute", &ask)?;
        let mut metrics = metrics["metrics"].as_array().into_iter().flatten();
        let busy = metrics.find(|metric| metric["name"] == "TaskDuration");
        let seconds = busy.and_then(|metric| metric["value"].as_f64());
        seconds
            .map(Duration::from_secs_f64)
            .ok_or_else(|| Failure::new("Chromium does not say how busy the page is"))
    }

    /// Writes what is seen as PNG.
    pub(crate) fn photograph(&self, file: &Path) -> Result<()> {
        let shot = json!({ "cmd": "Page.captureScreenshot", "params": { "format": "png" } });
        let shot = self.command("goog/cdp/execute", &shot)?;
        let bytes = base64(shot["data"].as_str().unwrap_or_default())?;
        fs::write(file, bytes).context(|| format!("writing {}", file.display()))
    }

    /// What the browser complained of since the last call.
    pub(crate) fn complaints(&self) -> Result<Vec<String>> {
        let log = self.command("se/log", &json!({ "type": "browser" }))?;
        let lines = log.as_array().into_iter().flatten();
        let bad = lines.filter(|line| matches!(line["level"].as_str(), Some("SEVERE" | "WARNING")));
        Ok(bad.map(|line| line["message"].as_str().unwrap_or_default().to_owned()).collect())
    }

    fn command(&self, name: &str, body: &Value) -> Result<Value> {
        self.ask("POST", &format!("/session/{}/{name}", self.session), body)
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> Result<Value> {
        let asked = || format!("asking chromedriver for {path}");
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).context(asked)?;
        stream.set_read_timeout(Some(PATIENCE)).context(asked)?;
        let body = body.to_string();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).context(asked)?;
        let answer = read(&mut stream).context(asked)?;
        let value: Value = serde_json::from_slice(&answer).context(asked)?;
        let value = &value["value"];
        match value["error"].as_str() {
            Some(error) if value.get("stacktrace").is_some() => {
                fail(format!("{}: {error}: {}", asked(), value["message"]))
            }
            _ => Ok(value.clone()),
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The driver takes the browser with it; this lets it write nothing half.
        let _ = self.ask("DELETE", &format!("/session/{}", self.session), &json!({}));
    }
}

/// The body of an answer, by its length: the driver keeps the connection.
fn read(stream: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 65_536];
    loop {
        let end = bytes.windows(4).position(|part| part == b"\r\n\r\n");
        if let Some(end) = end {
            let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
            let length: usize = length.and_then(|length| length.trim().parse().ok()).unwrap_or(0);
            if bytes.len() >= end + 4 + length {
                return Ok(bytes[end + 4..end + 4 + length].to_vec());
            }
        }
        match stream.read(&mut buffer)? {
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            count => bytes.extend_from_slice(&buffer[..count]),
        }
    }
}

pub(crate) fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let address = listener.and_then(|listener| listener.local_addr());
    Ok(address.context(|| "finding a free port".to_owned())?.port())
}

/// RFC 4648 section 4.
fn base64(text: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut count) = (0_u32, 0);
    for letter in text.bytes().filter(|letter| *letter != b'=') {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return fail("a picture that is no base64"),
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count & 0xff) as u8);
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn base64_is_read() {
        assert_eq!(base64("UFhF").unwrap(), b"PXE");
        assert_eq!(base64("UFg=").unwrap(), b"PX");
        assert_eq!(base64("+/8=").unwrap(), [0xfb, 0xff]);
        assert!(base64("P*").is_err());
    }
}
