//! Which ports an instance uses, and who has one that is taken.

use std::{
    collections::BTreeMap,
    net::{SocketAddr, TcpListener, TcpStream},
    process::Command,
    time::Duration,
};

use anyhow::{Context, bail};

/// How many ports after the usual one are tried for what may move.
const SEARCHED: u16 = 100;

/// How long a program on this machine may take to accept a connection.
const CONNECT_LIMIT: Duration = Duration::from_millis(200);

/// How ports are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum PortChoice {
    /// The usual ones, moved by their `MILLRACE_PORT_*` variables.
    Fixed,
    /// Any that are free, so that this instance runs beside others.
    Free,
}

/// A port that is needed.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Its usual number.
    pub usual: u16,
    /// What listens there, for messages.
    pub owner: String,
    /// Whether the next free one does as well, when the usual one is taken and no variable says which.
    pub may_move: bool,
}

/// Chooses a port for every variable: a set variable wins, then the choice.
///
/// # Errors
/// When a variable holds no port, a fixed port is taken by another program, or two variables name the same one.
pub fn choose_ports(
    wanted: &BTreeMap<String, Wanted>,
    choice: PortChoice,
    environment: &BTreeMap<String, String>,
) -> anyhow::Result<BTreeMap<String, u16>> {
    let mut chosen: BTreeMap<String, u16> = BTreeMap::new();
    // All sockets stay open until every port is chosen, so that no port is chosen twice.
    let mut held = Vec::new();
    // What may move comes last, and so does not take another's usual port.
    let (moving, fixed): (Vec<_>, Vec<_>) = wanted.iter().partition(|(_, wanted)| wanted.may_move);
    for (variable, wanted) in fixed.into_iter().chain(moving) {
        let set = match environment.get(variable) {
            Some(text) => {
                Some(text.parse::<u16>().with_context(|| format!("{variable} is {text:?}, expected a port"))?)
            }
            None => None,
        };
        let port = match (set, choice) {
            (Some(port), _) => port,
            (None, PortChoice::Fixed) => wanted.usual,
            (None, PortChoice::Free) => 0,
        };
        if let Some((other, _)) = chosen.iter().find(|(_, taken)| port != 0 && **taken == port) {
            bail!("{variable} and {other} are both port {port}");
        }
        let listener = match listen(port) {
            Some(listener) => listener,
            None if wanted.may_move && set.is_none() => {
                next_free(port).with_context(|| taken(variable, wanted, port))?
            }
            None => bail!("{}", taken(variable, wanted, port)),
        };
        chosen.insert(variable.clone(), listener.local_addr().context("read a port")?.port());
        held.push(listener);
    }
    Ok(chosen)
}

fn next_free(port: u16) -> Option<TcpListener> {
    (port.saturating_add(1)..=port.saturating_add(SEARCHED)).find_map(listen)
}

/// A socket on the port, unless somebody listens there. On macOS a program on all addresses does not keep another from
/// one of them, so it is asked.
fn listen(port: u16) -> Option<TcpListener> {
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    if port != 0 && TcpStream::connect_timeout(&address, CONNECT_LIMIT).is_ok() {
        return None;
    }
    TcpListener::bind(address).ok()
}

fn taken(variable: &str, wanted: &Wanted, port: u16) -> String {
    let by = holder(port).map(|holder| format!(" by {holder}")).unwrap_or_default();
    format!(
        "port {port} ({}) is taken{by}; stop the program that listens there, or move it with {variable}=PORT",
        wanted.owner
    )
}

/// The program that listens on a port, as far as this user may know: `postgres (process 812)`.
#[must_use]
pub fn holder(port: u16) -> Option<String> {
    let (pid, name) = of_proc(port).or_else(|| of_lsof(port))?;
    Some(format!("{name} (process {pid})"))
}

/// Linux: the socket's inode from /proc/net, then the process that has it open.
fn of_proc(port: u16) -> Option<(u32, String)> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|path| std::fs::read_to_string(path).unwrap_or_default());
    let inode = tables.iter().flat_map(|table| table.lines()).find_map(|line| listening_inode(line, port))?;
    let socket = format!("socket:[{inode}]");
    let processes = std::fs::read_dir("/proc").ok()?.flatten();
    let mut pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let pid = pids.find(|pid| {
        let files = std::fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        files.filter_map(|file| std::fs::read_link(file.path()).ok()).any(|link| link.as_os_str() == socket.as_str())
    })?;
    let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
    Some((pid, name.trim().to_owned()))
}

/// The inode of a line of /proc/net/tcp that says LISTEN (`0A`) on this port.
fn listening_inode(line: &str, port: u16) -> Option<&str> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let (local, state, inode) = (fields.get(1)?, fields.get(3)?, fields.get(9)?);
    let (_, hex) = local.rsplit_once(':')?;
    (*state == "0A" && u16::from_str_radix(hex, 16) == Ok(port)).then_some(inode)
}

/// macOS, and whatever else has lsof: `p812` and `cpostgres` on lines of their own.
fn of_lsof(port: u16) -> Option<(u32, String)> {
    let output = Command::new("lsof").args(["-nP", &format!("-iTCP:{port}"), "-sTCP:LISTEN", "-Fpc"]).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let pid = text.lines().find_map(|line| line.strip_prefix('p'))?.parse().ok()?;
    Some((pid, text.lines().find_map(|line| line.strip_prefix('c'))?.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(usual: u16, owner: &str, may_move: bool) -> Wanted {
        Wanted { usual, owner: owner.to_owned(), may_move }
    }

    fn kafka(port: u16) -> BTreeMap<String, Wanted> {
        BTreeMap::from([("MILLRACE_PORT_KAFKA".to_owned(), wanted(port, "kafka", false))])
    }

    #[test]
    fn a_taken_port_is_named_with_its_owner_its_holder_and_its_variable() {
        let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        let error = choose_ports(&kafka(port), PortChoice::Fixed, &BTreeMap::new()).unwrap_err();
        let message = format!("{error:#}");
        assert!(message.contains(&format!("port {port} (kafka) is taken")), "{message}");
        assert!(message.contains("MILLRACE_PORT_KAFKA=PORT"), "{message}");
        if cfg!(target_os = "linux") {
            assert!(message.contains(&format!("(process {})", std::process::id())), "{message}");
        }
    }

    #[test]
    fn what_may_move_takes_the_next_free_port_unless_a_variable_says_which() {
        let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        let invoke = BTreeMap::from([("MILLRACE_PORT_INVOKE".to_owned(), wanted(port, "the Invoke API", true))]);
        let chosen = choose_ports(&invoke, PortChoice::Fixed, &BTreeMap::new()).unwrap()["MILLRACE_PORT_INVOKE"];
        assert!((port + 1..=port + SEARCHED).contains(&chosen), "{chosen} after {port}");
        let set = BTreeMap::from([("MILLRACE_PORT_INVOKE".to_owned(), port.to_string())]);
        assert!(choose_ports(&invoke, PortChoice::Fixed, &set).is_err());
    }

    #[test]
    fn a_set_variable_moves_a_port_and_free_ports_differ() {
        let free = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        let environment = BTreeMap::from([("MILLRACE_PORT_KAFKA".to_owned(), free.to_string())]);
        assert_eq!(choose_ports(&kafka(1), PortChoice::Fixed, &environment).unwrap()["MILLRACE_PORT_KAFKA"], free);
        let many: BTreeMap<_, _> = (0..20).map(|n| (format!("P{n}"), wanted(1, "x", false))).collect();
        let chosen = choose_ports(&many, PortChoice::Free, &BTreeMap::new()).unwrap();
        let distinct: std::collections::BTreeSet<_> = chosen.values().collect();
        assert_eq!(distinct.len(), 20);
        let bad = BTreeMap::from([("MILLRACE_PORT_KAFKA".to_owned(), "many".to_owned())]);
        assert!(choose_ports(&kafka(1), PortChoice::Fixed, &bad).is_err());
    }

    #[test]
    fn a_listening_socket_is_found_in_the_kernels_table() {
        let line = "   0: 0100007F:2328 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1";
        assert_eq!(listening_inode(line, 9000), Some("4711"));
        assert_eq!(listening_inode(line, 9001), None);
        assert_eq!(listening_inode(&line.replace(" 0A ", " 01 "), 9000), None);
    }
}
