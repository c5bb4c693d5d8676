// HTTPServer: answers over HTTP, for the emulator and later servers.
