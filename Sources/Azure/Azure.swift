// Azure: what Microsoft's cloud asks of a client: who one is, how requests are signed, what its errors mean.
