// Command location stores where members are, and shows it to their peers.
package main

import (
	"waggle/internal/app"
	"waggle/internal/topology"
)

func main() { app.Main(topology.Location) }
