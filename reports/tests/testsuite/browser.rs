//! `report.html` in a real Chromium: hostile evidence stays text, and our own script and style run. Where Chromium is
//! missing, the tests say so loudly and do nothing, unless `LAUNCHPROOF_REQUIRE_CHROMIUM` is set, as CI does.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use headless_chrome::protocol::cdp::Emulation::SetDeviceMetricsOverride;
use headless_chrome::protocol::cdp::types::Event;
use headless_chrome::protocol::cdp::{Network, Page};
use headless_chrome::{Browser, LaunchOptions, Tab};
use reports::render::html;
use serde_json::Value;

use crate::every_outcome;
use crate::hostile::{self, Manner, poisoned};

/// What is looked at in a page: did anything run, what is it made of, where do its links lead, does it fit its window.
const LOOK: &str = r"(() => {
  document.querySelectorAll('details').forEach(part => { part.open = true; });
  const shape = new Set(), odd = [];
  for (const element of document.querySelectorAll('*')) {
    const tag = element.tagName.toLowerCase();
    shape.add(tag);
    for (const attribute of element.attributes) {
      shape.add(tag + ' ' + attribute.name);
      if (/^on|^style$|^srcdoc$|^srcset$/i.test(attribute.name)) odd.push(tag + ' ' + attribute.name);
      if (attribute.name === 'src' && !/^data:image\/png;base64,[A-Za-z0-9+\/=]*$/.test(attribute.value)) odd.push('src ' + attribute.value);
    }
    if (element.href !== undefined) {
      const url = new URL(element.href, 'invalid:');
      const inner = url.protocol === 'file:' && element.getAttribute('href').startsWith('#');
      if (!inner && !['http:', 'https:'].includes(url.protocol)) odd.push('href ' + element.href);
      if (!inner && element.relList && !element.relList.contains('noreferrer')) odd.push('no noreferrer');
    }
    if (['fixed', 'sticky'].includes(getComputedStyle(element).position) && tag !== 'nav') odd.push('fixed ' + tag);
  }
  const ids = Array.from(document.querySelectorAll('[id]'), element => element.id);
  if (new Set(ids).size !== ids.length) odd.push('an id twice');
  const root = document.documentElement;
  return JSON.stringify({
    ran: typeof window.__ran, shape: Array.from(shape), odd,
    // Where the page is too wide: by what.
    wide: root.scrollWidth <= root.clientWidth ? [] : Array.from(document.querySelectorAll('body *'))
      .filter(element => element.getBoundingClientRect().right > root.clientWidth + 1 && !element.closest('.scroll, nav, pre'))
      .map(element => element.tagName + '.' + element.getAttribute('class')).slice(0, 8),
    filter: !document.getElementById('filter').hidden,
    styled: getComputedStyle(document.querySelector('main')).maxWidth,
  });
})()";

struct Window {
    tab: Arc<Tab>,
    requests: Arc<Mutex<Vec<String>>>,
    folder: tempfile::TempDir,
    _browser: Browser,
}

impl Window {
    fn open() -> Option<Self> {
        let Ok(path) = headless_chrome::browser::default_executable() else {
            let why = "Chromium is not installed, and the injection corpus needs it";
            assert!(std::env::var_os("LAUNCHPROOF_REQUIRE_CHROMIUM").is_none(), "{why}");
            crate::skipped(&why);
            return None;
        };
        let options = LaunchOptions {
            path: Some(path),
            // Chromium has no sandbox for root, as which containers run tests.
            sandbox: false,
            idle_browser_timeout: Duration::from_mins(10),
            window_size: Some((1200, 900)),
            ..LaunchOptions::default()
        };
        let browser = Browser::new(options).unwrap();
        let tab = browser.new_tab().unwrap();
        tab.set_default_timeout(Duration::from_mins(1));
        tab.call_method(Network::Enable {
            max_total_buffer_size: None,
            max_resource_buffer_size: None,
            max_post_data_size: None,
            report_direct_socket_traffic: None,
            enable_durable_messages: None,
        })
        .unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        tab.add_event_listener(Arc::new(move |event: &Event| {
            if let Event::NetworkRequestWillBeSent(sent) = event {
                seen.lock().unwrap().push(sent.params.request.url.clone());
            }
        }))
        .unwrap();
        Some(Self {
            tab,
            requests,
            folder: tempfile::tempdir().unwrap(),
            _browser: browser,
        })
    }

    /// Loads a page and gives what it asked for beside itself.
    fn load(&self, page: &str) -> Vec<String> {
        let path = self.folder.path().join("report.html");
        std::fs::write(&path, page).unwrap();
        let address = format!("file://{}", path.display());
        self.requests.lock().unwrap().clear();
        self.tab.navigate_to(&address).unwrap().wait_until_navigated().unwrap();
        let own = |url: &String| *url == address || url.starts_with("data:image/png;base64,");
        let mut asked = self.requests.lock().unwrap().clone();
        asked.retain(|url| !own(url));
        asked
    }

    fn width(&self, width: u32) {
        self.tab
            .call_method(SetDeviceMetricsOverride {
                width,
                height: 900,
                device_scale_factor: 1.0,
                mobile: false,
                ..metrics()
            })
            .unwrap();
    }

    fn evaluate(&self, script: &str) -> Value {
        let found = self.tab.evaluate(script, false).unwrap().value.unwrap();
        found
            .as_str()
            .map_or_else(|| found.clone(), |text| serde_json::from_str(text).unwrap())
    }

    fn shape(&self, page: &str) -> BTreeSet<String> {
        self.load(page);
        names(&self.evaluate(LOOK)["shape"])
    }
}

fn metrics() -> SetDeviceMetricsOverride {
    serde_json::from_value(serde_json::json!({"width": 1200, "height": 900, "deviceScaleFactor": 1.0, "mobile": false}))
        .unwrap()
}

fn names(list: &Value) -> BTreeSet<String> {
    let list = list.as_array().unwrap();
    list.iter().map(|name| name.as_str().unwrap().to_owned()).collect()
}

#[test]
fn no_payload_of_the_corpus_runs_asks_links_or_breaks_the_page() {
    let Some(window) = Window::open() else { return };
    let mut allowed = window.shape(&html::render(&every_outcome()));
    for manner in [Manner::Alone, Manner::After] {
        allowed.extend(window.shape(&html::render(&poisoned("x", manner))));
    }
    for (name, report) in hostile::corpus() {
        let asked = window.load(&html::render(&report));
        assert!(asked.is_empty(), "{name}: {asked:?}");
        for width in [1200, 390] {
            window.width(width);
            let found = window.evaluate(LOOK);
            assert_eq!(found["ran"], "undefined", "{name}");
            assert_eq!(found["odd"], serde_json::json!([]), "{name}");
            assert_eq!(
                found["wide"],
                serde_json::json!([]),
                "{name}: it is wider than its window of {width}"
            );
            assert_eq!(found["filter"], true, "{name}: our own script ran");
            let new: Vec<String> = names(&found["shape"]).difference(&allowed).cloned().collect();
            assert!(new.is_empty(), "{name}: {new:?}");
        }
    }
}

/// What the test above looks for would be found.
#[test]
fn the_same_payloads_do_run_and_ask_in_a_page_that_does_not_escape() {
    let Some(window) = Window::open() else { return };
    let mut caught = 0;
    for (_, payload) in hostile::payloads() {
        let page = format!("<main><p id=filter>x</p>{payload}</main>");
        let asked = !window.load(&page).is_empty();
        let ran = window.evaluate("JSON.stringify(typeof window.__ran)") == "number";
        caught += u32::from(asked || ran);
    }
    assert!(caught >= 6, "only {caught} payloads do anything at all");
}

#[test]
fn the_policy_lets_our_script_and_style_work_and_nothing_else() {
    let Some(window) = Window::open() else { return };
    window.load(&html::render(&every_outcome()));
    let found = window.evaluate(LOOK);
    assert_eq!(found["filter"], true);
    assert_ne!(found["styled"], "none");
    // Even markup that were let through could do nothing.
    window.requests.lock().unwrap().clear();
    let after = window.evaluate(
        "(() => { document.body.insertAdjacentHTML('beforeend', '<img src=http://127.0.0.1:9/x onerror=\"window.__ran=1\"><p style=\"position:fixed\" id=late>x</p>');
           const script = document.createElement('script'); script.textContent = 'window.__ran=1'; document.body.append(script);
           return JSON.stringify([typeof window.__ran, getComputedStyle(document.getElementById('late')).position]); })()",
    );
    assert_eq!(after, serde_json::json!(["undefined", "static"]));
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(window.evaluate("JSON.stringify(typeof window.__ran)"), "undefined");
}

#[test]
fn the_filter_goes_by_text_area_level_and_verdict_and_a_link_opens_what_it_leads_to() {
    let Some(window) = Window::open() else { return };
    let report = every_outcome();
    window.load(&html::render(&report));
    let shown = |script: &str| {
        let script = format!(
            "(() => {{ const set = (id, value) => {{ const field = document.getElementById(id); field.value = value;
               field.dispatchEvent(new Event('input', {{ bubbles: true }})); }}; {script};
               return JSON.stringify(Array.from(document.querySelectorAll('.entries > li')).filter(entry => entry.checkVisibility()
                 || (!entry.hidden && !entry.closest('.row').hidden && !entry.closest('.area').hidden)).length); }})()"
        );
        usize::try_from(window.evaluate(&script).as_u64().unwrap()).unwrap()
    };
    let number = |fits: &dyn Fn(&reports::model::Verdict) -> bool| report.verdicts.iter().filter(|v| fits(v)).count();
    assert_eq!(shown(""), report.verdicts.len());
    assert_eq!(shown("set('filter-area', 'pkce')"), number(&|v| v.area == "pkce"));
    assert_eq!(
        shown("set('filter-level', 'SHALL NOT')"),
        number(&|v| v.area == "pkce" && v.level.as_str() == "SHALL NOT")
    );
    assert_eq!(
        shown("set('filter-text', 'ALL_A')"),
        number(&|v| v.case.as_deref() == Some("all_a"))
    );
    let fails = "set('filter-text', ''); set('filter-area', ''); set('filter-level', ''); \
                 document.querySelectorAll('#filter input[type=checkbox]').forEach(box => { if (box.value !== 'fail' && box.checked) box.click(); })";
    assert_eq!(shown(fails), number(&|v| v.status.as_str() == "fail"));
    let opened = window.evaluate(
        "(() => { document.querySelectorAll('details').forEach(part => { part.open = false; }); location.hash = '#row-0';
           return new Promise(done => setTimeout(() => done(1), 200)) && '1'; })()",
    );
    assert_eq!(opened, 1);
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(
        window.evaluate("JSON.stringify(document.getElementById('row-0').checkVisibility())"),
        true
    );
}

/// Writes what people see into a folder, to be looked at: `SCREENSHOTS=/tmp/x cargo test -p reports screenshots`.
#[test]
fn screenshots() {
    let Some(window) = Window::open() else { return };
    window.load(&html::render(&every_outcome()));
    window.width(390);
    let png = window
        .tab
        .capture_screenshot(Page::CaptureScreenshotFormatOption::Png, None, None, true)
        .unwrap();
    assert!(png.starts_with(b"\x89PNG"));
    let pdf = window.tab.print_to_pdf(None).unwrap();
    assert!(pdf.starts_with(b"%PDF"));
    if let Some(folder) = std::env::var_os("SCREENSHOTS") {
        let folder = Path::new(&folder);
        std::fs::create_dir_all(folder).unwrap();
        std::fs::write(folder.join("narrow.png"), png).unwrap();
        std::fs::write(folder.join("print.pdf"), pdf).unwrap();
    }
}
