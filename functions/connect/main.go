// Command connect begins sessions and answers hello, ping and every message that no
// other route takes.
package main

import (
	"waggle/internal/app"
	"waggle/internal/topology"
)

func main() { app.Main(topology.Connect) }
