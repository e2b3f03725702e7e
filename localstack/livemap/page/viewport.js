// A Viewport is the part of the world on the screen, given by its centre and its scale.
import {centre, metersPerDegree, moved} from './geo.js';

const minScale = 0.05, maxScale = 20_000; // metres per pixel

export class Viewport {
  width = 1;
  height = 1;
  centre = centre;
  scale = 1; // metres per pixel

  // span sets the length of the shorter side, in metres.
  span(meters) {
    this.scale = meters / Math.min(this.width, this.height);
  }

  // at converts a point to [x, y] on the screen, and point converts it back.
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

  // zoom scales around the point at x, y.
  zoom(factor, x = this.width / 2, y = this.height / 2) {
    const before = this.point(x, y);
    this.scale = Math.min(maxScale, Math.max(minScale, this.scale / factor));
    const [nowX, nowY] = this.at(before);
    this.pan(x - nowX, y - nowY);
  }

  // shows returns whether a point is on the screen, with a margin in pixels.
  shows(p, margin = 40) {
    const [x, y] = this.at(p);
    return x >= margin && y >= margin && x <= this.width - margin && y <= this.height - margin;
  }

  // fit shows all points, and at least so many metres.
  fit(points, atLeast) {
    const lats = points.map(p => p.lat), lngs = points.map(p => p.lng);
    const [south, north, west, east] = [Math.min(...lats), Math.max(...lats), Math.min(...lngs), Math.max(...lngs)];
    this.centre = {lat: (south + north) / 2, lng: (west + east) / 2};
    const tall = (north - south) * metersPerDegree, wide = (east - west) * metersPerDegree * Math.cos(this.centre.lat * Math.PI / 180);
    const margin = 50;
    this.scale = Math.max(minScale, atLeast / Math.min(this.width, this.height),
      tall / Math.max(1, this.height - 2 * margin), wide / Math.max(1, this.width - 2 * margin));
  }
}
