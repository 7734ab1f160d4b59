//! Stands in for our two programs in the supervisor's tests: as a gateway it answers every request with 200, as a
//! generator it only lives.

use std::io::{Read, Write};
use std::net::TcpListener;

fn main() -> std::io::Result<()> {
    let Ok(address) = std::env::var("SHELFWIRE_LISTEN") else {
        loop {
            std::thread::park();
        }
    };
    for stream in TcpListener::bind(address)?.incoming() {
        let mut stream = stream?;
        let body = r#"{"products":[{"product_id":"p1"}],"replicas":[{"replica":"gw1","partitions":[0,1],"lag":0,"viewers":0}]}"#;
        let _request = stream.read(&mut [0; 4096]);
        let _gone = write!(
            stream,
            "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        );
    }
    Ok(())
}
