//! What both programs take for brokers and for a topic's name.

/// `host:port`, with commas between several.
///
/// # Errors
/// The rule.
pub fn brokers(text: &str) -> Result<String, String> {
    let is_address = |address: &str| {
        address.rsplit_once(':').is_some_and(|(host, port)| {
            !host.is_empty()
                && port.parse::<u16>().is_ok_and(|port| port > 0)
                && !host.contains(char::is_whitespace)
        })
    };
    if text.split(',').all(is_address) {
        Ok(text.to_owned())
    } else {
        Err("must be host:port, with commas and no spaces between several".to_owned())
    }
}

/// A topic's name. Kafka takes 249 characters; names derived from this one are longer.
///
/// # Errors
/// The rule.
pub fn topic(text: &str) -> Result<String, String> {
    name(text, 200)
}

/// A consumer group's name; others are derived from it.
///
/// # Errors
/// The rule.
pub fn group(text: &str) -> Result<String, String> {
    name(text, 200)
}

fn name(text: &str, most: usize) -> Result<String, String> {
    let fits = (1..=most).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
        && !matches!(text, "." | "..");
    if fits {
        Ok(text.to_owned())
    } else {
        Err(format!("must be 1 to {most} of letters, digits, '-', '_' and '.', and not '.' or '..'"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_a_host_and_a_port() {
        assert_eq!(brokers("a:1,[::1]:9092"), Ok("a:1,[::1]:9092".to_owned()));
        for wrong in ["", "nowhere", "a:0", "a:1, b:2", ":9092", "a:1,"] {
            assert!(brokers(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn names_are_what_kafka_takes() {
        assert_eq!(topic("product-changes_2.x"), Ok("product-changes_2.x".to_owned()));
        for wrong in ["", ".", "..", "a b", "ä", &"x".repeat(201)] {
            assert!(topic(wrong).is_err() && group(wrong).is_err(), "{wrong:?}");
        }
    }
}
