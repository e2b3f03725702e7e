// Command disconnect ends sessions.
package main

import (
	"waggle/internal/app"
	"waggle/internal/topology"
)

func main() { app.Main(topology.Disconnect) }
