//! How somebody likes the pages: kept in their browser alone.

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};

use super::form::Form;
use crate::problem::Problem;

/// Keeps the theme, and goes back to where it was chosen.
pub(super) async fn keep(form: Form) -> Result<Response, Problem> {
    let mut fields = form.fields(&["theme", "back"])?;
    let theme = fields.word("theme", &[("auto", ""), ("light", "light"), ("dark", "dark")])?;
    let back = fields.text("back")?.filter(|back| is_ours(back)).unwrap_or_else(|| "/".into());
    let theme = theme.unwrap_or_default();
    let age = if theme.is_empty() { 0 } else { YEAR_SECONDS };
    let cookie = format!("shiplog-theme={theme}; Path=/; Max-Age={age}; SameSite=Lax");
    let headers = [(header::LOCATION, back), (header::SET_COOKIE, cookie)];
    Ok((StatusCode::SEE_OTHER, headers).into_response())
}

/// How long a browser remembers.
pub(super) const YEAR_SECONDS: u32 = 31_536_000;

/// Whether an address is one of this server's pages.
fn is_ours(address: &str) -> bool {
    address.starts_with('/')
        && !address.starts_with("//")
        && !address.contains(|one: char| one == '\\' || one.is_control())
}

#[cfg(test)]
mod tests {
    use super::is_ours;

    #[test]
    fn nobody_is_sent_elsewhere() {
        assert!(is_ours("/history?q=a%2Fb"));
        for address in
            ["", "history", "//evil.example", "/\\evil.example", "/\t/evil.example", "https://x"]
        {
            assert!(!is_ours(address), "{address}");
        }
    }
}
