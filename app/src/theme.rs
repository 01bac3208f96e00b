//! Light, dark, or as the system has it. The choice lives in a cookie, so that the server renders
//! the right one at once.

/// The cookie that keeps the choice.
pub const COOKIE: &str = "swell_theme";

/// A choice of theme.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// As the system has it.
    #[default]
    System,
    /// Always light.
    Light,
    /// Always dark.
    Dark,
}

impl Theme {
    /// In the order of the menu.
    pub const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    /// The name in the cookie and in `data-theme`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// The name in the menu.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::System => "System",
            Self::Light => "Light",
            Self::Dark => "Dark",
        }
    }

    /// The theme of that name; the system's for any other.
    #[must_use]
    pub fn parse(name: &str) -> Self {
        Self::ALL.into_iter().find(|theme| theme.as_str() == name).unwrap_or_default()
    }

    /// The choice in a `Cookie` header.
    #[must_use]
    pub fn from_cookies(header: &str) -> Self {
        header
            .split(';')
            .filter_map(|pair| pair.trim().split_once('='))
            .find(|(name, _)| *name == COOKIE)
            .map_or(Self::System, |(_, value)| Self::parse(value))
    }
}

/// The choice that this document was rendered with: from the request on the server, from
/// `<html data-theme>` in the browser.
#[must_use]
pub fn initial() -> Theme {
    #[cfg(feature = "ssr")]
    {
        use axum::http::{header::COOKIE, request::Parts};
        leptos::prelude::use_context::<Parts>()
            .and_then(|parts| Some(Theme::from_cookies(parts.headers.get(COOKIE)?.to_str().ok()?)))
            .unwrap_or_default()
    }
    #[cfg(not(feature = "ssr"))]
    {
        crate::browser::theme().map_or(Theme::System, |name| Theme::parse(&name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_decides_and_nonsense_means_system() {
        assert_eq!(Theme::from_cookies("a=b; swell_theme=dark; c"), Theme::Dark);
        assert_eq!(Theme::from_cookies("swell_theme=\"><script>"), Theme::System);
        assert_eq!(Theme::from_cookies(""), Theme::System);
    }
}
