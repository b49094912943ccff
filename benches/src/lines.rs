//! A program that is driven by lines of JSON.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The program; it is ended when this is dropped.
pub(crate) struct Lines {
    name: String,
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Lines {
    /// Starts it.
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().context(name.clone())?;
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().context("no standard output")?);
        Ok(Self { name, child, input, output })
    }

    /// Reads the next line.
    pub(crate) fn read<T: DeserializeOwned>(&mut self) -> Result<T> {
        let mut line = String::new();
        ensure!(self.output.read_line(&mut line)? > 0, "{} has ended", self.name);
        serde_json::from_str(&line).with_context(|| format!("{} said: {line:.200}", self.name))
    }

    /// Writes a line.
    pub(crate) fn write(&mut self, what: &impl Serialize) -> Result<()> {
        let mut line = serde_json::to_vec(what)?;
        line.push(b'\n');
        let input = self.input.as_mut().context("it was closed")?;
        input.write_all(&line)?;
        Ok(input.flush()?)
    }

    /// Writes a line and reads the next.
    pub(crate) fn ask<T: DeserializeOwned>(&mut self, what: &impl Serialize) -> Result<T> {
        self.write(what)?;
        self.read()
    }
}

impl Drop for Lines {
    /// The end of its input is its end.
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = std::io::copy(&mut self.output, &mut std::io::sink());
        let _ = self.child.wait();
    }
}
