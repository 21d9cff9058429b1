//! The sockets that connections come in by.

use std::{
    fs, io,
    net::SocketAddr,
    os::unix::{fs::FileTypeExt as _, fs::PermissionsExt as _, net},
    path::{Path, PathBuf},
};

use socket2::{Domain, Protocol, Socket as RawSocket, Type};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

/// How many connections may wait to be accepted.
const BACKLOG: i32 = 1024;

/// Where a Unix socket stands, and whose it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnixSocket {
    /// The file.
    pub path: PathBuf,
    /// Its permissions; none leaves them to the umask.
    pub mode: Option<u32>,
    /// The number of the user that owns it.
    pub user: Option<u32>,
    /// The number of its group.
    pub group: Option<u32>,
}

/// A bound socket.
pub(super) enum Socket {
    Tcp(TcpListener),
    Unix(UnixFile),
}

/// A bound Unix socket, whose file goes when the server does.
pub(super) struct UnixFile {
    listener: UnixListener,
    path: PathBuf,
}

/// A connection as it comes in.
pub(super) enum Accepted {
    Tcp(TcpStream, SocketAddr),
    Unix(UnixStream),
}

impl Drop for UnixFile {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.path) {
            let path = self.path.display();
            tracing::warn!(%path, %error, "the socket could not be removed");
        }
    }
}

impl Socket {
    /// Binds an address; port 0 takes a free one.
    pub(super) fn tcp(address: SocketAddr) -> io::Result<Self> {
        let domain = Domain::for_address(address);
        let socket = RawSocket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
        socket.set_reuse_address(true)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        Ok(Self::Tcp(TcpListener::from_std(socket.into())?))
    }

    /// Binds a file, in the place of one that a server has left behind.
    pub(super) fn unix(socket: &UnixSocket) -> io::Result<Self> {
        let path = &socket.path;
        remove_stale(path)?;
        let bound = UnixFile {
            listener: UnixListener::bind(path)?,
            path: path.clone(),
        };
        if socket.user.is_some() || socket.group.is_some() {
            std::os::unix::fs::chown(path, socket.user, socket.group)?;
        }
        if let Some(mode) = socket.mode {
            fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
        }
        Ok(Self::Unix(bound))
    }

    /// Waits for a connection.
    pub(super) async fn accept(&self) -> io::Result<Accepted> {
        match self {
            Self::Tcp(listener) => {
                let (stream, remote) = listener.accept().await?;
                // It fails on a connection that is gone again, which shows soon enough.
                let _ = stream.set_nodelay(true);
                Ok(Accepted::Tcp(stream, remote))
            }
            Self::Unix(file) => Ok(Accepted::Unix(file.listener.accept().await?.0)),
        }
    }

    /// Returns what clients write behind the scheme, with the port that was taken.
    pub(super) fn address(&self) -> io::Result<String> {
        match self {
            Self::Tcp(listener) => Ok(listener.local_addr()?.to_string()),
            Self::Unix(file) => Ok(file.path.display().to_string()),
        }
    }
}

/// Removes a socket at which nobody listens; anything else stays, and is in the way.
fn remove_stale(path: &Path) -> io::Result<()> {
    let in_use = |why| Err(io::Error::new(io::ErrorKind::AddrInUse, why));
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
        Ok(file) if !file.file_type().is_socket() => {
            return in_use("there is a file that is no socket");
        }
        Ok(_) => {}
    }
    match net::UnixStream::connect(path) {
        Ok(_) => in_use("somebody listens there already"),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(folder: &tempfile::TempDir) -> UnixSocket {
        UnixSocket {
            path: folder.path().join("socket"),
            ..UnixSocket::default()
        }
    }

    #[tokio::test]
    async fn a_socket_that_was_left_behind_is_replaced_and_one_in_use_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let socket = at(&folder);
        drop(net::UnixListener::bind(&socket.path).unwrap());
        assert!(socket.path.exists(), "nobody has tidied up");
        let bound = Socket::unix(&socket).unwrap();
        let Err(second) = Socket::unix(&socket) else {
            panic!("two servers on one socket");
        };
        assert_eq!(second.kind(), io::ErrorKind::AddrInUse);
        drop(bound);
        assert!(!socket.path.exists());
    }

    #[tokio::test]
    async fn a_file_that_is_no_socket_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let socket = at(&folder);
        fs::write(&socket.path, "precious").unwrap();
        assert!(Socket::unix(&socket).is_err());
        assert_eq!(fs::read_to_string(&socket.path).unwrap(), "precious");
    }

    #[tokio::test]
    async fn a_socket_has_the_permissions_that_were_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let socket = UnixSocket {
            mode: Some(0o620),
            user: Some(rustix::process::getuid().as_raw()),
            ..at(&folder)
        };
        let _bound = Socket::unix(&socket).unwrap();
        let mode = fs::metadata(&socket.path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o620);
    }
}
