// A View is the part of the world that is on the screen: points there are
// metres east and south of its centre, over a scale.
import {centre, metersPerDegree, moved} from './geo.js';

const closest = 0.05, widest = 20_000; // metres a pixel

export class View {
  width = 1;
  height = 1;
  centre = centre;
  scale = 1; // metres a pixel

  // span makes the shorter side so many metres.
  span(meters) {
    this.scale = meters / Math.min(this.width, this.height);
  }

  at({lat, lng}) {
    const east = (lng - this.centre.lng) * metersPerDegree * Math.cos(this.centre.lat * Math.PI / 180);
    return [this.width / 2 + east / this.scale, this.height / 2 - (lat - this.centre.lat) * metersPerDegree / this.scale];
  }

  point(x, y) {
    return moved(this.centre, (x - this.width / 2) * this.scale, (this.height / 2 - y) * this.scale);
  }

  pan(dx, dy) {
    this.centre = this.point(this.width / 2 - dx, this.height / 2 - dy);
  }

  // zoom keeps what is at x, y there.
  zoom(factor, x = this.width / 2, y = this.height / 2) {
    const before = this.point(x, y);
    this.scale = Math.min(widest, Math.max(closest, this.scale / factor));
    const [nowX, nowY] = this.at(before);
    this.pan(x - nowX, y - nowY);
  }

  // shows says whether a point is well within.
  shows(p, margin = 40) {
    const [x, y] = this.at(p);
    return x >= margin && y >= margin && x <= this.width - margin && y <= this.height - margin;
  }

  // fit shows all the points, and at least so many metres.
  fit(points, atLeast) {
    const lats = points.map(p => p.lat), lngs = points.map(p => p.lng);
    const [south, north, west, east] = [Math.min(...lats), Math.max(...lats), Math.min(...lngs), Math.max(...lngs)];
    this.centre = {lat: (south + north) / 2, lng: (west + east) / 2};
    const tall = (north - south) * metersPerDegree, wide = (east - west) * metersPerDegree * Math.cos(this.centre.lat * Math.PI / 180);
    const margin = 50;
    this.scale = Math.max(closest, atLeast / Math.min(this.width, this.height),
      tall / Math.max(1, this.height - 2 * margin), wide / Math.max(1, this.width - 2 * margin));
  }
}
