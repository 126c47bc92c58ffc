//! A window of a real Chromium, and a person in front of it who reads, types and clicks.

use std::fmt::Display;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use headless_chrome::browser::tab::element::Element;
use headless_chrome::protocol::cdp::Browser::{GrantPermissions, PermissionType};
use headless_chrome::protocol::cdp::DOM::{GetDocument, Node, QuerySelector};
use headless_chrome::protocol::cdp::Emulation::{MediaFeature, SetDeviceMetricsOverride, SetEmulatedMedia};
use headless_chrome::protocol::cdp::Page::CaptureScreenshotFormatOption::Png;
use headless_chrome::{Browser, LaunchOptions, Tab};
use serde_json::Value;

/// How long a page may take, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A window of a browser of its own; closed with this value.
pub(crate) struct Window {
    test: &'static str,
    tab: Arc<Tab>,
    _browser: Browser,
}

impl Window {
    pub(crate) fn open(test: &'static str) -> Option<Self> {
        let path = match headless_chrome::browser::default_executable() {
            Ok(path) => path,
            Err(reason) => {
                assert!(std::env::var_os("LAUNCHPROOF_REQUIRE_CHROMIUM").is_none(), "{reason}");
                crate::skipped(&reason);
                return None;
            }
        };
        let options = LaunchOptions {
            path: Some(path),
            // It does not start as root, and the pages are our own.
            sandbox: false,
            window_size: Some((1200, 900)),
            idle_browser_timeout: PATIENCE * 4,
            args: ["--no-proxy-server", "--disable-component-update"]
                .map(AsRef::as_ref)
                .to_vec(),
            ..LaunchOptions::default()
        };
        let browser = Browser::new(options).unwrap_or_else(|error| panic!("Chromium: {error}"));
        // The library looks for answers every 100 ms, unless something arrives all the time.
        let awake = browser.new_tab().unwrap();
        awake.enable_runtime().unwrap();
        awake
            .evaluate("setInterval(() => console.debug(0), 5); true", false)
            .unwrap();
        let tab = browser.new_tab().unwrap();
        tab.set_default_timeout(PATIENCE);
        Some(Self {
            test,
            tab,
            _browser: browser,
        })
    }

    /// Keeps a picture, and fails with it where something went wrong.
    fn must<T, E: Display>(&self, what: &str, result: Result<T, E>) -> T {
        result.unwrap_or_else(|error| {
            let page = self.tab.get_content().unwrap_or_default();
            panic!(
                "{what}: {error} at {}; see {}\n{page}",
                self.tab.get_url(),
                self.picture()
            );
        })
    }

    pub(crate) fn picture(&self) -> String {
        self.picture_called(self.test)
    }

    pub(crate) fn picture_called(&self, name: &str) -> String {
        let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("chromium-{name}.png"));
        if let Ok(png) = self.tab.capture_screenshot(Png, None, None, true) {
            std::fs::write(&file, png).unwrap();
        }
        file.display().to_string()
    }

    /// Waits for it: in the page, or in the frame that the page has.
    fn find(&self, css: &str) -> Element<'_> {
        let until = Instant::now() + PATIENCE;
        loop {
            let found = self.look_for(css);
            if found.is_ok() || Instant::now() > until {
                return self.must(css, found);
            }
            std::thread::sleep(Duration::from_millis(30));
        }
    }

    fn look_for(&self, css: &str) -> Result<Element<'_>, String> {
        let document = GetDocument {
            depth: Some(8),
            pierce: Some(true),
        };
        let page = self.tab.call_method(document).map_err(|error| error.to_string())?.root;
        let query = QuerySelector {
            node_id: framed(&page).unwrap_or(&page).node_id,
            selector: css.to_owned(),
        };
        let found = self.tab.call_method(query).map_err(|error| error.to_string())?;
        Element::new(&self.tab, found.node_id).map_err(|error| error.to_string())
    }

    pub(crate) fn go(&self, address: &str) {
        self.must(address, self.tab.navigate_to(address));
    }

    /// By the mouse, once it is there.
    pub(crate) fn click(&self, css: &str) {
        self.must(css, self.find(css).click());
    }

    pub(crate) fn type_into(&self, css: &str, text: &str) {
        self.must(css, self.find(css).type_into(text));
    }

    /// An option of a list, by its first letters on the keyboard.
    pub(crate) fn select(&self, css: &str, letters: &str) {
        self.must(css, self.find(css).focus());
        self.must(letters, self.tab.type_str(letters));
    }

    /// One key, as if there were no mouse.
    pub(crate) fn press(&self, key: &str) {
        self.must(key, self.tab.press_key(key));
    }

    pub(crate) fn letters(&self, text: &str) {
        self.must(text, self.tab.type_str(text));
    }

    /// Goes from field to field until this one has the focus.
    pub(crate) fn tab_to(&self, css: &str) {
        let found = (0..80).find(|_| {
            self.press("Tab");
            self.asks(&format!("String(document.activeElement.matches({}))", Value::from(css))) == "true"
        });
        self.must(css, found.ok_or("the keyboard does not lead there"));
    }

    /// What a script says of the page.
    pub(crate) fn asks(&self, script: &str) -> String {
        let told = self.must(script, self.tab.evaluate(script, true));
        told.value
            .and_then(|value| value.as_str().map(str::to_owned))
            .unwrap_or_default()
    }

    /// What was copied by a page of this origin. Once anything is granted by name, all else is denied.
    pub(crate) fn clipboard(&self, origin: &str) -> String {
        let allow = GrantPermissions {
            permissions: vec![
                PermissionType::ClipboardReadWrite,
                PermissionType::ClipboardSanitizedWrite,
            ],
            origin: Some(origin.to_owned()),
            browser_context_id: None,
        };
        self.must("clipboard", self.tab.call_method(allow));
        self.asks("navigator.clipboard.readText()")
    }

    /// As narrow as a phone, by day or by night.
    pub(crate) fn as_a_phone(&self, is_dark: bool) {
        let screen = SetDeviceMetricsOverride {
            width: 390,
            height: 844,
            device_scale_factor: 2.0,
            mobile: true,
            scale: None,
            screen_width: None,
            screen_height: None,
            position_x: None,
            position_y: None,
            dont_set_visible_size: None,
            screen_orientation: None,
            viewport: None,
            display_feature: None,
            device_posture: None,
        };
        self.must("screen", self.tab.call_method(screen));
        let scheme = MediaFeature {
            name: "prefers-color-scheme".to_owned(),
            value: if is_dark { "dark" } else { "light" }.to_owned(),
        };
        let media = SetEmulatedMedia {
            media: None,
            features: Some(vec![scheme]),
        };
        self.must("colours", self.tab.call_method(media));
    }

    /// What stands there, once it is there.
    pub(crate) fn text(&self, css: &str) -> String {
        self.must(css, self.find(css).get_inner_text())
    }

    /// Loads the page again.
    pub(crate) fn reload(&self) {
        // What is there now must not be taken for what will be.
        let script = "document.body.replaceChildren(); location.reload()";
        self.must("reload", self.tab.evaluate(script, false));
    }

    pub(crate) fn sign_in(&self) {
        self.type_into("input[name=username]", "demo");
        self.type_into("input[name=password]", "demo");
        self.click("button[type=submit]");
    }

    pub(crate) fn choose(&self, patient: &str) {
        self.click(&format!("input[name=patient][value={patient}]"));
        self.click("button[type=submit]");
    }

    pub(crate) fn decide(&self, decision: &str) {
        self.click(&format!("button[name=decision][value={decision}]"));
    }

    /// Whose record the app shows, and how many observations.
    pub(crate) fn chart(&self) -> (String, usize) {
        // Drawn last.
        let count = self.text("#count, #problem");
        let count = self.must("number of observations", count.parse());
        (self.text("#patient"), count)
    }
}

/// The document in the first frame of a page.
fn framed(node: &Node) -> Option<&Node> {
    node.content_document
        .as_deref()
        .or_else(|| node.children.iter().flatten().find_map(framed))
}
