//! What `make up` can be told: replicas, rate, products, brokers, ports. One name each, the same for Make and for here.
//!
//! A variable that is given counts; one that is not keeps what the running stack has, so that `make up` after
//! `make scale` changes nothing; with no stack running, the default counts. The running stack's values lie in
//! `.run/settings`, one `NAME=value` a line, so that `make psql` and the like find its ports.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::str::FromStr;

use anyhow::{Context, anyhow, ensure};

use crate::servers::apps::MOST_REPLICAS;
use crate::servers::kafka::Cluster;
use crate::service::Restart;
use crate::wire::USER;

/// The settings of a stack that `make up` keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// `REPLICAS`: gateways, 1 to 6.
    pub replicas: u16,
    /// `RATE`: changes the generator makes, as it takes them: `10` a second, `0.5`, `1/min`, `max`.
    pub rate: String,
    /// `PRODUCTS`: size of the generator's catalogue.
    pub products: u32,
    /// `BROKERS`: Kafka nodes, 1 or 3.
    pub brokers: u16,
    /// `PORT`: the load balancer, where everybody connects.
    pub port: u16,
    /// `STATS_PORT`: its statistics and metrics.
    pub stats_port: u16,
    /// `GATEWAY_PORT`: the first replica; the others follow.
    pub first_gateway_port: u16,
    /// `KAFKA_PORT`: the first broker; the others follow, controllers ten above.
    pub kafka_port: u16,
    /// `PG_PORT`.
    pub pg_port: u16,
    /// `REDIS_PORT`.
    pub redis_port: u16,
    /// `PROFILE`: `release` or `dev`, the build whose programs run.
    pub profile: String,
    /// `CARGO_TARGET_DIR`: where the builds lie.
    pub target: PathBuf,
}

/// Every variable with its default.
const VARIABLES: [(&str, &str); 12] = [
    ("REPLICAS", "2"),
    ("RATE", "10"),
    ("PRODUCTS", "1000"),
    ("BROKERS", "1"),
    ("PORT", "8080"),
    ("STATS_PORT", "8404"),
    ("GATEWAY_PORT", "8081"),
    ("KAFKA_PORT", "29092"),
    ("PG_PORT", "29432"),
    ("REDIS_PORT", "29379"),
    ("PROFILE", "release"),
    ("CARGO_TARGET_DIR", "target"),
];

impl Settings {
    /// What is `given` counts before what is `running`, and that before the defaults.
    pub fn read(given: impl Fn(&str) -> Option<String>, running: Option<&str>) -> anyhow::Result<Self> {
        let value = |name: &str| {
            let default = VARIABLES.iter().find(|(known, _)| *known == name).map(|(_, default)| *default);
            let given = given(name).filter(|value| !value.is_empty());
            given
                .or_else(|| in_lines(running?, name))
                .or_else(|| default.map(str::to_owned))
                .ok_or_else(|| anyhow!("{name} has no value"))
        };
        let settings = Self {
            replicas: number(&value, "REPLICAS", 1, u64::from(MOST_REPLICAS))?,
            rate: value("RATE")?,
            products: number(&value, "PRODUCTS", 1, 1_000_000)?,
            brokers: number(&value, "BROKERS", 1, 3)?,
            port: number(&value, "PORT", 1, 65_535)?,
            stats_port: number(&value, "STATS_PORT", 1, 65_535)?,
            first_gateway_port: number(&value, "GATEWAY_PORT", 1, 65_530)?,
            kafka_port: number(&value, "KAFKA_PORT", 1, 65_520)?,
            pg_port: number(&value, "PG_PORT", 1, 65_535)?,
            redis_port: number(&value, "REDIS_PORT", 1, 65_535)?,
            profile: value("PROFILE")?,
            target: value("CARGO_TARGET_DIR")?.into(),
        };
        ensure!(settings.brokers != 2, "BROKERS is 1, or 3 that replicate: two can't outvote a lost one");
        ensure!(
            is_rate(&settings.rate),
            "RATE is max, or from 1/min to 1000000 changes a second, such as 10, 0.5 or 30/min; not {:?}",
            settings.rate
        );
        ensure!(["release", "dev"].contains(&settings.profile.as_str()), "PROFILE is release or dev");
        settings.ensure_ports_differ()?;
        Ok(settings)
    }

    fn ensure_ports_differ(&self) -> anyhow::Result<()> {
        let ports = self.ports();
        for (index, (port, variable)) in ports.iter().enumerate() {
            let twin = ports.iter().skip(index + 1).find(|(other, _)| other == port);
            if let Some((_, other)) = twin {
                return Err(anyhow!("port {port} is wanted twice: {variable} and {other}"));
            }
        }
        Ok(())
    }

    /// One `NAME=value` a line, as [`Self::read`] takes them.
    pub fn to_lines(&self) -> String {
        let values = [
            self.replicas.to_string(),
            self.rate.clone(),
            self.products.to_string(),
            self.brokers.to_string(),
            self.port.to_string(),
            self.stats_port.to_string(),
            self.first_gateway_port.to_string(),
            self.kafka_port.to_string(),
            self.pg_port.to_string(),
            self.redis_port.to_string(),
            self.profile.clone(),
            self.target.display().to_string(),
        ];
        VARIABLES.iter().zip(values).fold(String::new(), |mut lines, ((name, _), value)| {
            let _infallible = writeln!(lines, "{name}={value}");
            lines
        })
    }

    /// The port of replica `n`, counted from 1.
    pub fn gateway_port(&self, n: u16) -> u16 {
        self.first_gateway_port + n - 1
    }

    /// The brokers.
    pub fn cluster(&self) -> Cluster {
        let nodes = (0..self.brokers).map(|n| (self.kafka_port + n, self.kafka_port + 10 + n)).collect();
        Cluster { nodes, full_jit: false, append_time: false, restart: Restart::Always, behind: None }
    }

    /// Kafka's addresses.
    pub fn kafka(&self) -> String {
        self.cluster().addresses()
    }

    /// The database's URL.
    pub fn database_url(&self) -> String {
        format!("postgres://{USER}@127.0.0.1:{}/{USER}", self.pg_port)
    }

    /// The URL of Redis.
    pub fn redis_url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.redis_port)
    }

    /// A program of ours.
    pub fn binary(&self, name: &str) -> PathBuf {
        self.target.join(if self.profile == "dev" { "debug" } else { "release" }).join(name)
    }

    /// The first value above `port` for `variable` at which nothing is in its way, neither now nor after `make scale`.
    pub fn elsewhere(&self, variable: &str, port: u16, is_free: impl Fn(u16) -> bool) -> Option<u16> {
        let several = [(self.kafka_port, "KAFKA_PORT"), (self.first_gateway_port, "GATEWAY_PORT")];
        let others = self.single_ports().into_iter().chain(several).filter(|(_, name)| *name != variable);
        let kept: Vec<u16> =
            others.flat_map(|(base, name)| span(name).into_iter().map(move |n| base + n)).collect();
        let has_room = |base: &u16| {
            let mut ports = span(variable).into_iter().map(|n| base.checked_add(n));
            ports.all(|port| port.is_some_and(|port| is_free(port) && !kept.contains(&port)))
        };
        (port..=u16::MAX).skip(1).find(has_room)
    }

    /// The ports that have a variable each.
    const fn single_ports(&self) -> [(u16, &'static str); 4] {
        [
            (self.port, "PORT"),
            (self.stats_port, "STATS_PORT"),
            (self.pg_port, "PG_PORT"),
            (self.redis_port, "REDIS_PORT"),
        ]
    }

    /// Every port that is used, with the variable that moves it.
    pub fn ports(&self) -> Vec<(u16, &'static str)> {
        let nodes = self.cluster().nodes.into_iter().flat_map(|(broker, controller)| [broker, controller]);
        let gateways = (1..=self.replicas).map(|n| (self.gateway_port(n), "GATEWAY_PORT"));
        self.single_ports()
            .into_iter()
            .chain(nodes.map(|port| (port, "KAFKA_PORT")))
            .chain(gateways)
            .collect()
    }
}

/// The ports that a variable stands for, as distances from its value: whatever runs now, so much may run later.
fn span(variable: &str) -> Vec<u16> {
    match variable {
        "GATEWAY_PORT" => (0..MOST_REPLICAS).collect(),
        "KAFKA_PORT" => vec![0, 1, 2, 10, 11, 12],
        _ => vec![0],
    }
}

fn in_lines(lines: &str, name: &str) -> Option<String> {
    lines
        .lines()
        .filter_map(|line| line.split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value.to_owned())
}

fn number<T: FromStr>(
    value: &impl Fn(&str) -> anyhow::Result<String>,
    name: &str,
    least: u64,
    most: u64,
) -> anyhow::Result<T> {
    let text = value(name)?;
    let parsed = text.parse::<u64>().ok().filter(|number| (least..=most).contains(number));
    parsed
        .and_then(|_| text.parse().ok())
        .with_context(|| format!("{name} is a number from {least} to {most}; not {text:?}"))
}

/// As the generator takes them: what it refused would be kept here, and refused again at each start.
fn is_rate(text: &str) -> bool {
    let (number, seconds) = match text.split_once('/') {
        None => (text, 1.0),
        Some((number, "s")) => (number, 1.0),
        Some((number, "min")) => (number, 60.0),
        Some(_) => return false,
    };
    text == "max" || number.parse::<f64>().is_ok_and(|rate| (1.0 / 60.0..=1e6).contains(&(rate / seconds)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(pairs: &[(&str, &str)], running: Option<&str>) -> anyhow::Result<Settings> {
        let given =
            |name: &str| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        Settings::read(given, running)
    }

    #[test]
    fn given_counts_before_running_and_running_before_the_default() {
        let running = with(&[("REPLICAS", "4"), ("RATE", "1/min")], None).unwrap().to_lines();
        let settings = with(&[("REPLICAS", "3"), ("PRODUCTS", "")], Some(&running)).unwrap();
        assert_eq!((settings.replicas, settings.rate.as_str(), settings.products), (3, "1/min", 1000));
    }

    #[test]
    fn lines_are_read_back_as_they_were_written() {
        let settings = with(&[("BROKERS", "3"), ("CARGO_TARGET_DIR", "/a b/c=d")], None).unwrap();
        assert_eq!(with(&[], Some(&settings.to_lines())).unwrap(), settings);
    }

    #[test]
    fn a_wrong_value_names_the_variable_and_the_rule() {
        let refused = |name, value: &str| with(&[(name, value)], None).unwrap_err().to_string();
        assert_eq!(refused("REPLICAS", "7"), "REPLICAS is a number from 1 to 6; not \"7\"");
        assert!(refused("REPLICAS", "two").starts_with("REPLICAS is a number"));
        assert!(refused("BROKERS", "2").starts_with("BROKERS is 1, or 3"));
        for rate in ["fast", "0", "0.001", "5/hour", "inf", "2e6", "1/min/min"] {
            assert!(refused("RATE", rate).starts_with("RATE is max, or from 1/min"), "{rate}");
        }
        for rate in ["max", "10", "0.5", "5/s", "30/min", "1/min"] {
            assert_eq!(with(&[("RATE", rate)], None).unwrap().rate, rate);
        }
        assert!(refused("PROFILE", "bench").starts_with("PROFILE is"));
        assert_eq!(refused("PORT", "8081"), "port 8081 is wanted twice: PORT and GATEWAY_PORT");
    }

    #[test]
    fn another_port_leaves_room_for_what_may_start_later() {
        let settings = with(&[], None).unwrap();
        let all = |_| true;
        assert_eq!(settings.elsewhere("PORT", 8080, all), Some(8087), "six replicas lie between");
        assert_eq!(settings.elsewhere("GATEWAY_PORT", 8082, all), Some(8083));
        assert_eq!(settings.elsewhere("GATEWAY_PORT", 8398, all), Some(8405), "8404 is of the statistics");
        assert_eq!(settings.elsewhere("KAFKA_PORT", 29092, |port| port != 29104), Some(29095));
        assert_eq!(settings.elsewhere("PORT", 65_535, all), None);
    }

    #[test]
    fn three_brokers_use_six_ports() {
        let settings = with(&[("BROKERS", "3")], None).unwrap();
        assert_eq!(settings.kafka(), "127.0.0.1:29092,127.0.0.1:29093,127.0.0.1:29094");
        assert_eq!(settings.ports().iter().filter(|(_, variable)| *variable == "KAFKA_PORT").count(), 6);
    }
}
