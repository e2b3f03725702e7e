package town

// The plan of the town, by degrees as one reads them off a map of San Francisco.

// coast is the land, without what lies south of the town.
func coast() area {
	return area{
		place(37.788, -122.506), place(37.789, -122.493), place(37.794, -122.4835), place(37.810, -122.477), // Lands End to the Golden Gate
		place(37.806, -122.462), place(37.807, -122.445), place(37.807, -122.430), place(37.8085, -122.4175), // the north shore
		place(37.808, -122.409), place(37.795, -122.392), place(37.788, -122.387), place(37.778, -122.387), // the piers
		place(37.772, -122.387), place(37.760, -122.382), place(37.748, -122.380), place(37.738, -122.375), // the bay
		place(37.729, -122.366), place(37.724, -122.360), place(37.710, -122.380), place(37.708, -122.395),
		place(37.705, -122.430), place(37.685, -122.455), place(37.685, -122.4955), // the hills in the south
		place(37.708, -122.502), place(37.735, -122.507), place(37.760, -122.511), place(37.781, -122.5135), // the ocean
	}
}

// diagonal is the quarter south of Market Street, which has a grid of its own.
func diagonal() area {
	return area{
		place(37.7948, -122.3950), place(37.7750, -122.4193), place(37.7695, -122.4185), place(37.7695, -122.4050),
		place(37.7735, -122.3930), place(37.7785, -122.3870), place(37.7880, -122.3870), place(37.7935, -122.3920),
	}
}

// parks have few streets.
func parks() []area {
	box := func(south, west, north, east float64) area {
		return area{place(south, west), place(south, east), place(north, east), place(north, west)}
	}
	return []area{
		box(37.7660, -122.5110, 37.7720, -122.4550), // Golden Gate Park
		box(37.7880, -122.4850, 37.8020, -122.4490), // the Presidio
		box(37.7450, -122.4620, 37.7610, -122.4440), // Twin Peaks
		box(37.7190, -122.5000, 37.7330, -122.4830), // Lake Merced
	}
}

// A grid is an area with streets at right angles.
type grid struct {
	in      func(point) bool
	bearing float64 // degrees that its avenues lie from north
	blocks  point   // the size of a block, in metres
}

func grids() []grid {
	land, soma := coast(), diagonal()
	return []grid{
		{func(p point) bool { return land.has(p) && !soma.has(p) }, -5, point{180, 140}},
		{func(p point) bool { return land.has(p) && soma.has(p) }, 45, point{170, 170}},
	}
}

// everyAvenue is how many streets there are to an avenue. In a park there are no
// others than every second one of these.
const everyAvenue = 4

// A road follows its bends; from bends near a grid one gets into it.
type road struct {
	kind  Kind
	bends []point
}

func roads() []road {
	interchange, airport := place(37.7380, -122.4075), place(37.6170, -122.3970)
	return []road{
		{Highway, []point{ // 101
			place(37.7700, -122.4075), place(37.7640, -122.4060), place(37.7496, -122.4050), interchange, place(37.7290, -122.4010),
			place(37.7120, -122.3970), place(37.7000, -122.3925), place(37.6740, -122.3880), place(37.6650, -122.3960), place(37.6550, -122.4045),
			place(37.6360, -122.4050), airport,
		}},
		{Highway, []point{ // 280
			place(37.7755, -122.3930), place(37.7660, -122.3950), place(37.7550, -122.3925), place(37.7425, -122.3980), interchange,
			place(37.7310, -122.4300), place(37.7220, -122.4470), place(37.7080, -122.4680), place(37.6900, -122.4700), place(37.6670, -122.4660),
			place(37.6400, -122.4380), place(37.6335, -122.4150), place(37.6360, -122.4050),
		}},
		{Avenue, []point{ // the airport
			airport, place(37.6158, -122.3900), place(37.6147, -122.3850), place(37.6170, -122.3835), place(37.6190, -122.3850),
			place(37.6180, -122.3895), place(37.6158, -122.3900),
		}},
	}
}

// ramp is how far a road's bend may be from a corner that one can get to, and seam
// how far apart two grids.
const (
	ramp = 350.0
	seam = 160.0
)
