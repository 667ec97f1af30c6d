//! What Chromium makes of the pages.

use std::ffi::OsStr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use headless_chrome::protocol::cdp::types::Event;
use headless_chrome::protocol::cdp::{Emulation, Log, Network, Page, Runtime};
use headless_chrome::{Browser, LaunchOptions, Tab};

use super::*;

/// Where a browser is; `None`, with a word, where there is none.
fn path() -> Option<PathBuf> {
    let names = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
    let path = names.map(PathBuf::from).into_iter().find(|path| path.exists());
    if path.is_none() {
        skipped("no Chromium is in /usr/bin");
    }
    path
}

/// A browser, where there is one.
fn browser() -> Option<Browser> {
    let path = path()?;
    let quiet = ["--disable-quic", "--disable-component-update", "--disable-sync", "--no-first-run", "--disable-gpu"];
    let options = LaunchOptions::default_builder()
        .path(Some(path))
        .sandbox(false)
        .args(quiet.iter().map(OsStr::new).collect())
        .idle_browser_timeout(Duration::from_secs(120))
        .build()
        .unwrap();
    Some(Browser::new(options).unwrap())
}

/// Whatever a page says that it should not: errors, warnings, requests for anything but itself.
fn listen(tab: &Arc<Tab>) -> Arc<Mutex<Vec<String>>> {
    let heard: Arc<Mutex<Vec<String>>> = Arc::default();
    let hears = Arc::clone(&heard);
    tab.call_method(Runtime::Enable(None)).unwrap();
    tab.call_method(Log::Enable(None)).unwrap();
    tab.call_method(Network::Enable {
        max_total_buffer_size: None,
        max_resource_buffer_size: None,
        max_post_data_size: None,
        report_direct_socket_traffic: None,
        enable_durable_messages: None,
    })
    .unwrap();
    let listener = move |event: &Event| {
        let told = match event {
            Event::RuntimeConsoleAPICalled(event) => Some(format!("console: {:?}", event.params)),
            Event::RuntimeExceptionThrown(event) => Some(format!("exception: {:?}", event.params)),
            Event::LogEntryAdded(event) => Some(format!("log: {}", event.params.entry.text)),
            Event::NetworkRequestWillBeSent(event) => {
                let url = &event.params.request.url;
                (!url.starts_with("file:") && !url.starts_with("data:")).then(|| format!("request: {url}"))
            }
            _ => None,
        };
        hears.lock().unwrap().extend(told);
    };
    tab.add_event_listener(Arc::new(listener)).unwrap();
    heard
}

/// Sets the width, and light or dark.
fn look(tab: &Arc<Tab>, width: u32, scheme: &str) {
    let metrics: Emulation::SetDeviceMetricsOverride = serde_json::from_value(serde_json::json!({
        "width": width, "height": 900, "deviceScaleFactor": 1.0, "mobile": width < 600
    }))
    .unwrap();
    tab.call_method(metrics).unwrap();
    let features: Emulation::SetEmulatedMedia =
        serde_json::from_value(serde_json::json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]}))
            .unwrap();
    tab.call_method(features).unwrap();
}

/// Whatever is wider than the page, cut off, or lies on other text; labels of charts among it.
const MISTAKES: &str = r#"JSON.stringify((() => {
    const wrong = [];
    const page = document.documentElement;
    if (page.scrollWidth > window.innerWidth) wrong.push(`the page is ${page.scrollWidth} wide`);
    for (const e of document.querySelectorAll("h1, h2, h3, p, li, dt, dd, figcaption, caption, button, summary, nav a")) {
        const box = e.getBoundingClientRect();
        if (box.width > 0 && (box.left < -1 || box.right > window.innerWidth + 1)) wrong.push(`outside: ${e.textContent.slice(0, 60)}`);
        if (e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display !== "inline") wrong.push(`cut: ${e.textContent.slice(0, 60)}`);
    }
    for (const svg of document.querySelectorAll("svg.chart")) {
        const shown = [...svg.querySelectorAll("text")].filter((t) => t.checkVisibility({ visibilityProperty: true }) && t.getBBox().width > 0);
        const boxes = shown.map((t) => [t.getBoundingClientRect(), t.textContent]);
        boxes.forEach(([a, name], i) => {
            if (a.left < -1 || a.right > window.innerWidth + 1) wrong.push(`label outside: ${name}`);
            for (const [b, other] of boxes.slice(i + 1)) {
                if (a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 4 && b.top < a.bottom - 4) wrong.push(`labels overlap: ${name} and ${other}`);
            }
        });
    }
    return wrong;
})())"#;

fn evaluate(tab: &Arc<Tab>, script: &str) -> String {
    tab.evaluate(script, false).unwrap().value.unwrap().as_str().unwrap().to_owned()
}

/// Opens a page in all four looks, and uses its charts.
fn inspect(browser: &Browser, page: &Path, has_charts: bool) {
    for (width, scheme) in [(1280, "light"), (1280, "dark"), (400, "light"), (400, "dark")] {
        let tab = browser.new_tab().unwrap();
        let heard = listen(&tab);
        look(&tab, width, scheme);
        tab.navigate_to(&format!("file://{}", page.display().to_string().replace(' ', "%20"))).unwrap();
        tab.wait_until_navigated().unwrap();
        let wrong = evaluate(&tab, MISTAKES);
        assert_eq!(wrong, "[]", "{} at {width}, {scheme}", page.display());
        let used = evaluate(&tab, USE);
        assert_eq!(used, if has_charts { "ok" } else { "no chart" }, "{} at {width}, {scheme}", page.display());
        let colours = evaluate(&tab, "getComputedStyle(document.body).backgroundColor");
        assert_eq!(colours == "rgb(255, 255, 255)", scheme == "light", "{colours}");
        keep_picture(&tab, page, width, scheme);
        assert_eq!(*heard.lock().unwrap(), [""; 0], "{} at {width}, {scheme}", page.display());
        tab.close(true).unwrap();
    }
}

/// Points at a chart, zooms, and goes back.
const USE: &str = r#"(() => {
    const svg = document.querySelector("svg.chart");
    if (svg === null) return "no chart";
    const figure = svg.closest("figure"), tip = figure.querySelector(".tip"), plot = svg.querySelector(".plot");
    const whole = plot.getAttribute("viewBox");
    const box = svg.getBoundingClientRect();
    svg.dispatchEvent(new PointerEvent("pointermove", { clientX: box.left + box.width / 3, clientY: box.top + 50 }));
    if (tip.hidden || tip.textContent === "") return "no tip";
    const [near, far, , , all] = figure.querySelectorAll(".tools button");
    near.click();
    if (plot.getAttribute("viewBox") === whole) return "no zoom";
    all.click();
    if (plot.getAttribute("viewBox") !== whole) return `no way back: ${plot.getAttribute("viewBox")} for ${whole}`;
    svg.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight" }));
    if (tip.hidden) return "no tip by keyboard";
    svg.dispatchEvent(new PointerEvent("pointerleave"));
    return tip.hidden && !far.disabled ? "ok" : "the tip stays";
})()"#;

/// Keeps a picture of the whole page where one is asked for, to be looked at.
fn keep_picture(tab: &Arc<Tab>, page: &Path, width: u32, scheme: &str) {
    let Some(pictures) = std::env::var_os("STORMGLASS_PICTURES").map(PathBuf::from) else { return };
    let height = tab.evaluate("document.documentElement.scrollHeight", false).unwrap().value.unwrap().as_u64().unwrap();
    // What is outside of the window isn't painted.
    let metrics: Emulation::SetDeviceMetricsOverride = serde_json::from_value(serde_json::json!({
        "width": width, "height": height, "deviceScaleFactor": 1.0, "mobile": width < 600
    }))
    .unwrap();
    tab.call_method(metrics).unwrap();
    let png = tab.capture_screenshot(Page::CaptureScreenshotFormatOption::Png, None, None, true).unwrap();
    let name = page.file_stem().unwrap().to_string_lossy();
    std::fs::write(pictures.join(format!("{name}-{width}-{scheme}.png")), png).unwrap();
}

#[test]
fn pages_open_without_a_word_and_nothing_overlaps_or_is_cut() {
    let Some(browser) = browser() else { return };
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, page: &super::Page, zone: &Zone| {
        std::fs::write(folder.path().join(name), html(page, zone)).unwrap();
    };
    let (utc, india) = (Zone::default(), Zone::named("Asia/Kolkata").unwrap());
    let sizes = || sized(&["pods=3000x5KB"]);
    let options = IncidentOptions {
        memory: measured("sample-logs/python-oom/resident-memory.csv"),
        memory_limit: Some(1_800 << 20),
        ..IncidentOptions::default()
    };
    let oom = block_on(incident(&session(&sample("python-oom"), sizes()), &options)).unwrap();
    write("incident.html", &oom.page(&utc), &utc);
    let ([operator], [quiet]) = (sample("operator-loop"), sample("quiet"));
    write("operator.html", &page_in(&utc, &operator, "incident", sizes()), &utc);
    write("capacity.html", &page_in(&india, &operator, "capacity", sizes()), &india);
    write("quiet.html", &page_in(&utc, &quiet, "incident", Settings::default()), &utc);
    for name in ["incident.html", "operator.html", "capacity.html", "quiet.html"] {
        inspect(&browser, &folder.path().join(name), true);
    }
}

#[test]
fn pages_without_charts_open_as_well() {
    if path().is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (zone, [oom]) = (Zone::default(), sample("python-oom"));
    let limiter = project("tests/manifests/pod-list-limiter-without-cluster-scope.json");
    let session = || session(&[&oom], Settings::default());
    let replay = ReplayOptions { seeds: 2, ..ReplayOptions::default() };
    let (for_simulate, for_propose) = (
        SimulateOptions {
            candidates: vec![change(&limiter)],
            memory_limit: Some(2 << 30),
            replay,
            ..SimulateOptions::default()
        },
        ProposeOptions { replay, ..ProposeOptions::default() },
    );
    let proposed = block_on(propose(&super::session(&[&oom], sized(&["pods=3000x5KB"])), &for_propose)).unwrap();
    let of_seats = SeatsOptions { version: kubernetes("1.34"), ..SeatsOptions::default() };
    let reports = [
        ("storms.html", page_in(&zone, &oom, "storms", Settings::default())),
        ("doctor.html", page_in(&zone, &oom, "doctor", Settings::default())),
        ("explain.html", page_in(&zone, &oom, "explain", Settings::default())),
        ("seats.html", seats(&of_seats).page()),
        ("lint.html", block_on(lint_with_logs(&session(), &manifest(&[&limiter]))).unwrap().page()),
        ("simulate.html", block_on(simulate(&session(), &for_simulate)).unwrap().page(15, &zone)),
        ("propose.html", proposed.page(&zone)),
    ];
    for (name, page) in &reports {
        std::fs::write(folder.path().join(name), html(page, &zone)).unwrap();
    }
    // The browser leaves when it has nothing to do for long.
    let Some(browser) = browser() else { return };
    for (name, _) in &reports {
        inspect(&browser, &folder.path().join(name), false);
    }
}

#[test]
fn hostile_text_is_only_text() {
    let Some(browser) = browser() else { return };
    let folder = tempfile::tempdir().unwrap();
    let log = hostile_log(&folder);
    for report in REPORTS {
        let page = folder.path().join(format!("hostile-{report}.html"));
        std::fs::write(&page, html(&report_of(report, &log), &Zone::default())).unwrap();
        inspect(&browser, &page, matches!(report, "incident" | "capacity"));
        let text = std::fs::read_to_string(&page).unwrap();
        assert_eq!((text.matches("<script").count(), text.matches("<img").count()), (1, 0));
        assert!(!text.contains(['\0', '\u{1b}', '\u{202e}', '\u{200f}']));
        // Where a line may break within a name is marked.
        let text = text.replace("<wbr>", "");
        assert!(text.contains("&lt;script&gt;alert(1)&lt;/script&gt;") || text.contains("&lt;img src=x&gt;.log"));
    }
}
