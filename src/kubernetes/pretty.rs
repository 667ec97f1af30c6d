//! Whether the server indents its JSON, for people to read.
//!
//! After `isPrettyPrint` in upstream's `apiserver/pkg/endpoints/handlers/negotiation/negotiate.go`: the parameter `pretty`
//! decides, and without one the user agent. It applies to JSON only, but tools and browsers don't ask for anything else.

use super::query::QueryParameters;

/// Tools for the command line, and all browsers.
const READ_BY_PEOPLE: [&str; 3] = ["curl", "Wget", "Mozilla/5.0"];

/// Whether the response to a request is indented, if it is JSON.
pub fn is_pretty_printed(request_uri: &str, user_agent: &str) -> bool {
    let by_user_agent = || READ_BY_PEOPLE.iter().any(|agent| user_agent.starts_with(agent));
    match request_uri.split_once('?') {
        Some((_, query)) if query.contains("pretty") => match QueryParameters::parse(query).text("pretty") {
            "" => by_user_agent(),
            // What Go's `strconv.ParseBool` takes for true; anything else is false.
            value => matches!(value, "1" | "t" | "T" | "true" | "TRUE" | "True"),
        },
        _ => by_user_agent(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parameter_comes_before_the_user_agent() {
        for (uri, agent, expected) in [
            ("/api/v1/pods", "curl/8.5.0", true),
            ("/api/v1/pods?limit=500", "Mozilla/5.0 (X11; Linux x86_64)", true),
            ("/api/v1/pods", "Wget/1.21", true),
            ("/api/v1/pods", "Mozilla/4.0", false),
            ("/api/v1/pods", "kubectl/v1.34.1 (linux/amd64)", false),
            ("/api/v1/pods", "libcurl-agent/1.0", false),
            ("/api/v1/pods?pretty=true", "python-requests/2.31", true),
            ("/api/v1/pods?limit=5&pretty=1", "python-requests/2.31", true),
            ("/api/v1/pods?pretty=yes", "python-requests/2.31", false),
            ("/api/v1/pods?pretty=false", "curl/8.5.0", false),
            ("/api/v1/pods?pretty=", "curl/8.5.0", true),
            ("/api/v1/pods?labelSelector=pretty%3Dtrue", "python-requests/2.31", false),
        ] {
            assert_eq!(is_pretty_printed(uri, agent), expected, "{uri} {agent}");
        }
    }
}
