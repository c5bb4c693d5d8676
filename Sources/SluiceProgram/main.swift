import Commands
import Glibc

exit(await Program.main(CommandLine.arguments))
