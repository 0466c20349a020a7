"""Asks the resolver that programs on this machine use for the IPv4 addresses of a name, past /etc/hosts.

Arguments: NAME [ADDRESS#PORT]. Prints an address a line; exit 1 with the reason on stderr when there is none.
One question over UDP by hand, since neither dig nor any library is sure to be installed.
"""

import os
import random
import socket
import struct
import sys

REASONS = {1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED"}


def resolver():
    with open("/etc/resolv.conf", encoding="utf-8") as lines:
        for line in lines:
            words = line.split()
            if len(words) > 1 and words[0] == "nameserver":
                return words[1], 53
    return "127.0.0.53", 53


def question(name, number):
    labels = b"".join(bytes([len(label)]) + label.encode("ascii") for label in name.rstrip(".").split("."))
    return struct.pack("!6H", number, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!2H", 1, 1)


def past_name(message, at):
    while message[at]:
        if message[at] >= 0xC0:
            return at + 2
        at += message[at] + 1
    return at + 1


def addresses(message):
    questions, answers = struct.unpack("!2H", message[4:8])
    at = 12
    for _ in range(questions):
        at = past_name(message, at) + 4
    for _ in range(answers):
        at = past_name(message, at)
        kind, _, _, length = struct.unpack("!2HIH", message[at : at + 10])
        at += 10
        if kind == 1:
            yield socket.inet_ntoa(message[at : at + length])
        at += length


def ask(name, server):
    number = random.randrange(65536)
    family = socket.AF_INET6 if ":" in server[0] else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as channel:
        # A connected socket takes answers from the server asked alone. Two tries: a datagram may be lost.
        channel.connect(server)
        channel.settimeout(2.5)
        for _ in range(2):
            channel.send(question(name, number))
            try:
                while True:
                    message = channel.recv(4096)
                    if len(message) >= 12 and message[:2] == struct.pack("!H", number):
                        return message
            except TimeoutError:
                continue
            except socket.timeout:
                continue
    raise OSError("timeout")


def main():
    name = sys.argv[1]
    server = resolver()
    if len(sys.argv) > 2:
        host, port = sys.argv[2].split("#")
        server = (host, int(port))
    try:
        message = ask(name, server)
        code = message[3] & 15
        if code:
            raise OSError(REASONS.get(code, "RCODE %d" % code))
        found = list(addresses(message))
        if not found:
            raise OSError("NODATA")
    except (OSError, UnicodeError, IndexError, struct.error, ValueError) as reason:
        sys.stderr.write("%s: %s (asked %s#%d)\n" % (name, reason, server[0], server[1]))
        return 1
    print(os.linesep.join(found))
    return 0


sys.exit(main())
