//! Finds the user at the other end of a loopback connection.

use std::net::SocketAddr;

/// Whether the client belongs to this user, or to root, who can read everything anyway.
///
/// This is a second line of defense after the token. If the kernel does not say who the client is, the
/// token is the only protection.
#[cfg(target_os = "linux")]
pub(crate) fn belongs_to_current_user(client: SocketAddr, server: SocketAddr) -> bool {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(std::fs::read_to_string);
    if tables.iter().all(Result::is_err) {
        return true;
    }
    let uid = rustix::process::geteuid().as_raw();
    let owner = tables.iter().flatten().find_map(|table| socket_owner(table, client, server));
    owner.is_some_and(|owner| owner == uid || owner == 0)
}

/// Other systems need a system call for this, which arl does not make.
#[cfg(not(target_os = "linux"))]
pub(crate) fn belongs_to_current_user(_: SocketAddr, _: SocketAddr) -> bool {
    true
}

/// The prefix of an IPv4 address in the IPv6 table. Java and .NET connect with dual-stack sockets.
#[cfg(target_os = "linux")]
const IPV4_MAPPED_PREFIX: &str =
    if cfg!(target_endian = "little") { "0000000000000000FFFF0000" } else { "00000000000000000000FFFF" };

/// Returns the user ID of the client. Source: proc_net_tcp in the kernel's documentation.
#[cfg(target_os = "linux")]
fn socket_owner(table: &str, client: SocketAddr, server: SocketAddr) -> Option<u32> {
    let (client, server) = (proc_net_address(client)?, proc_net_address(server)?);
    let is_at =
        |field: &str, address: &str| field.strip_prefix(IPV4_MAPPED_PREFIX).unwrap_or(field) == address;
    table.lines().skip(1).find_map(|line| {
        let fields: Vec<&str> = line.split_ascii_whitespace().take(8).collect();
        let is_match = is_at(fields.get(1)?, &client) && is_at(fields.get(2)?, &server);
        if is_match { fields.get(7)?.parse().ok() } else { None }
    })
}

/// Formats an address as the kernel's table does: the bytes of the address as a native integer.
#[cfg(target_os = "linux")]
fn proc_net_address(address: SocketAddr) -> Option<String> {
    let SocketAddr::V4(address) = address else { return None };
    Some(format!("{:08X}:{:04X}", u32::from_ne_bytes(address.ip().octets()), address.port()))
}

#[cfg(all(test, target_os = "linux", target_endian = "little"))]
mod tests {
    #[test]
    fn socket_owner_finds_the_client_side() {
        let table =
            "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1267 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
   1: 0100007F:1267 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 2 1 0 20 4 30 10 -1
   2: 0100007F:C350 0100007F:1267 01 00000000:00000000 00:00000000 00000000  1000        0 3 1 0 20 4 30 10 -1
   3: 0000000000000000FFFF00000100007F:C352 0000000000000000FFFF00000100007F:1267 01 00000000:00000000 00:00000000 00000000  1001        0 3 1 0
";
        let address = |text: &str| text.parse().expect("an address");
        let owner = |client| super::socket_owner(table, address(client), address("127.0.0.1:4711"));
        assert_eq!(owner("127.0.0.1:50000"), Some(1000));
        assert_eq!(owner("127.0.0.1:50001"), None);
        assert_eq!(owner("127.0.0.1:50002"), Some(1001));
    }
}
