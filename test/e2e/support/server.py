"""Python's ssl as a payment API: PORT TLS_VERSION. Demands a client certificate, and answers every call with `ok`."""

import http.server
import ssl
import sys


class Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, format, *args):
        pass


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128

    def handle_error(self, request, client_address):
        """A refused client is what this server is for."""


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.minimum_version = context.maximum_version = ssl.TLSVersion[sys.argv[2]]
context.load_cert_chain("server.crt", "server.pem")
context.load_verify_locations("ca.crt")
context.verify_mode = ssl.CERT_REQUIRED

server = Server(("127.0.0.1", int(sys.argv[1])), Answer)
# The handshake is left to the thread of each connection, with its first read.
server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
server.serve_forever()
