# SPDX-License-Identifier: MIT
#
# An emulator on a terminal of its own (a pty), to be talked to: expect a
# pattern, send a line, wait for the end. Everything that it prints is kept in
# a log. Nothing here knows which emulator it is.

import fcntl
import os
import pty
import re
import select
import subprocess
import termios
import time


class Failure(Exception):
    """A test's expectation did not hold; its text says which, in one line."""


def take_terminal():
    """In the new process: makes its standard input its controlling terminal, as a shell would have."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


class Console:
    """A running program on a pty. Use as a context manager: leaving it kills what still runs."""

    def __init__(self, argv, log):
        self.log = open(log, "wb")
        self.log.write((" ".join(argv) + "\n").encode())
        self.text = ""      # all output so far
        self.seen = 0       # expect() looks from here on
        self.ended = False  # the other side of the pty is closed
        self.fd, slave = pty.openpty()
        self.process = subprocess.Popen(argv, stdin=slave, stdout=slave, stderr=slave,
                                        start_new_session=True, preexec_fn=take_terminal)
        os.close(slave)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.fd)
        self.log.close()

    def _read(self, timeout):
        """Takes in what comes within timeout seconds; False at the end of output."""
        if self.ended:
            return False
        if not select.select([self.fd], [], [], max(timeout, 0))[0]:
            return True
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            data = b""
        self.ended = not data
        self.log.write(data)
        self.log.flush()
        self.text += data.decode("utf-8", "replace")
        return bool(data)

    def expect(self, pattern, timeout):
        """Waits for a regular expression in output not yet matched; returns the match."""
        compiled = re.compile(pattern, re.M)
        deadline = time.monotonic() + timeout
        while True:
            match = compiled.search(self.text, self.seen)
            if match:
                self.seen = match.end()
                return match
            if time.monotonic() > deadline:
                raise Failure("no %r within %d s, last: %r" % (pattern, timeout, self.tail()))
            if not self._read(min(1.0, deadline - time.monotonic())):
                raise Failure("ended with %r before %r, last: %r"
                              % (self.process.wait(), pattern, self.tail()))

    def quiet(self, seconds):
        """Takes in output for this long."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self._read(deadline - time.monotonic()):
            pass

    def send(self, text):
        os.write(self.fd, text.encode())

    def command(self, text, timeout, prompt=r"[#$] $"):
        """Types a line at a shell prompt; returns what it printed before the next prompt."""
        self.send(text + "\n")
        self.expect(re.escape(text[-20:]) + r"\r*\n", timeout)
        begin = self.seen
        match = self.expect(prompt, timeout)
        return re.sub(r"\r|\x1b\[[\d;?]*[A-Za-z]", "", self.text[begin:match.start()])

    def finish(self, timeout):
        """Waits for the program's own end; returns its exit status."""
        deadline = time.monotonic() + timeout
        while self._read(1.0):
            if time.monotonic() > deadline:
                raise Failure("still running after %d s, last: %r" % (timeout, self.tail()))
        try:
            return self.process.wait(max(1.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise Failure("closed its terminal but still runs after %d s" % timeout) from None

    def tail(self):
        return self.text[-160:].strip()
