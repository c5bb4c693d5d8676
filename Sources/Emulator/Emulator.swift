// Emulator: an Azure on this machine, for development and tests.
