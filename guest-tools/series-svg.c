// SPDX-License-Identifier: GPL-2.0-or-later
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <time.h>

#include "series.h"

/* Pixels. */
#define WIDTH		960
#define LEFT		80
#define RIGHT		190	/* the legend is there */
#define PANEL_HEIGHT	200
#define PANEL_1		60
#define PANEL_2		330
#define HEIGHT		590
#define PLOT_WIDTH	(WIDTH - LEFT - RIGHT)

/* More steps than that are not seen. */
#define MAX_BINS	(PLOT_WIDTH / 2)

/* The reasons that cost most have a colour of their own (Okabe and Ito's), the rest is grey. */
static const char *const colours[] = {
	"#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#f0e442", "#6a3d9a",
};

#define NR_COLOURS	(sizeof(colours) / sizeof(*colours))
#define NR_BANDS	(NR_COLOURS + 1)	/* the last: all others */

struct bin {
	double seconds;			/* covered by intervals */
	double exits[NR_BANDS];
	double cycles[NR_BANDS];
};

struct picture {
	const struct series *s;
	double duration;
	struct bin *bins;
	size_t nr_bins;
	size_t *order;			/* reasons, by cost */
	size_t nr_bands;
};

/* For the comparison, which takes no argument of its own. */
static const struct series *sorted;

static int by_cost(const void *left, const void *right)
{
	const struct counter *a = &sorted->reasons[*(const size_t *)left].row;
	const struct counter *b = &sorted->reasons[*(const size_t *)right].row;

	if (a->cycles != b->cycles)
		return a->cycles < b->cycles ? 1 : -1;
	return a->exits < b->exits ? 1 : -(a->exits > b->exits);
}

static size_t band_of(const struct picture *p, unsigned int reason)
{
	for (size_t i = 0; i < p->s->nr_reasons && i < NR_COLOURS; i++)
		if (p->order[i] == reason)
			return i;
	return NR_COLOURS;
}

/* Spreads an interval over the bins that it covers. */
static void fill_bins(struct picture *p, const struct interval *interval, const size_t *bands)
{
	double width = p->duration / p->nr_bins, length = interval->end - interval->begin;
	size_t first, last;

	/* A clock that was set back in the file is no reason to leave the picture. */
	if (length <= 0 || interval->begin >= p->duration)
		return;
	first = interval->begin / width;
	last = fmin(interval->end, p->duration) / width;
	for (size_t i = first; i <= last && i < p->nr_bins; i++) {
		double begin = fmax(interval->begin, i * width);
		double part = fmin(interval->end, (i + 1) * width) - begin;

		if (part <= 0)
			continue;
		p->bins[i].seconds += part;
		for (size_t j = 0; j < interval->nr; j++) {
			const struct series_value *v = &interval->values[j];

			p->bins[i].exits[bands[v->reason]] += v->exits * part / length;
			p->bins[i].cycles[bands[v->reason]] += v->cycles * part / length;
		}
	}
}

static double value(const struct picture *p, const struct bin *bin, size_t band, bool time)
{
	uint32_t khz = p->s->d.tsc_khz;

	if (bin->seconds <= 0)
		return 0;
	if (!time)
		return bin->exits[band] / bin->seconds;
	/* In percent of the time; without a unit, cycles per second. */
	return bin->cycles[band] / bin->seconds / (khz ? khz * 10.0 : 1);
}

/* 1, 2 or 5 times a power of ten, so that five steps reach the top. */
static double nice_step(double top)
{
	double power = pow(10, floor(log10(top / 5))), rest = top / 5 / power;

	return power * (rest <= 1 ? 1 : rest <= 2 ? 2 : rest <= 5 ? 5 : 10);
}

static double panel_top(const struct picture *p, bool time)
{
	double top = 0;

	for (size_t i = 0; i < p->nr_bins; i++) {
		double sum = 0;

		for (size_t band = 0; band < NR_BANDS; band++)
			sum += value(p, &p->bins[i], band, time);
		top = fmax(top, sum);
	}
	return top > 0 ? top : 1;
}

static double x_of(const struct picture *p, double seconds)
{
	return LEFT + PLOT_WIDTH * seconds / p->duration;
}

/* One reason's steps, on top of those before it, which *base has for each bin. */
static void draw_band(const struct picture *p, FILE *out, size_t band, bool time, double bottom,
		      double scale, double *base)
{
	double width = p->duration / p->nr_bins;

	fputs("<path d=\"", out);
	for (size_t i = 0; i < p->nr_bins; i++) {
		double v = value(p, &p->bins[i], band, time);

		if (v > 0)
			fprintf(out, "M%.1f %.1fV%.1fH%.1fV%.1fZ", x_of(p, i * width),
				bottom - base[i] * scale, bottom - (base[i] + v) * scale,
				x_of(p, (i + 1) * width), bottom - base[i] * scale);
		base[i] += v;
	}
	fprintf(out, "\" fill=\"%s\"/>\n", band < NR_COLOURS ? colours[band] : "#999999");
}

static void draw_grid(const struct picture *p, FILE *out, double y, double top, double step)
{
	double x_step = nice_step(p->duration);

	for (double v = 0; v <= top * 1.0001; v += step) {
		double at = y + PANEL_HEIGHT - v / top * PANEL_HEIGHT;

		fprintf(out, "<line x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\" class=\"grid\"/>"
			"<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.10g</text>\n",
			LEFT, LEFT + PLOT_WIDTH, at, at, LEFT - 6, at + 4, v);
	}
	for (double t = 0; t <= p->duration * 1.0001; t += x_step)
		fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%.10g s</text>\n",
			x_of(p, t), y + PANEL_HEIGHT + 16, t);
}

static void draw_panel(const struct picture *p, FILE *out, double y, bool time, const char *title,
		       double *base)
{
	double step, top = panel_top(p, time), bottom = y + PANEL_HEIGHT;

	step = nice_step(top);
	top = ceil(top / step) * step;
	fprintf(out, "<text x=\"%d\" y=\"%.1f\" class=\"title\">%s</text>\n", LEFT, y - 8, title);
	draw_grid(p, out, y, top, step);
	for (size_t i = 0; i < p->nr_bins; i++)
		base[i] = 0;
	for (size_t band = 0; band < NR_BANDS; band++)
		if (band < p->nr_bands || band == NR_COLOURS)
			draw_band(p, out, band, time, bottom, PANEL_HEIGHT / top, base);
	for (size_t i = 0; i < p->s->nr_restarts; i++) {
		double x = x_of(p, p->s->restarts[i]);

		fprintf(out, "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\" class=\"restart\">"
			"<title>the counters started anew</title></line>\n", x, x, y, bottom);
	}
}

static void draw_legend(const struct picture *p, FILE *out)
{
	int y = PANEL_1 + 10;

	for (size_t i = 0; i < p->nr_bands; i++, y += 20)
		fprintf(out, "<rect x=\"%d\" y=\"%d\" width=\"12\" height=\"12\" fill=\"%s\"/>"
			"<text x=\"%d\" y=\"%d\">%s</text>\n", WIDTH - RIGHT + 14, y - 10, colours[i],
			WIDTH - RIGHT + 32, y, p->s->reasons[p->order[i]].row.name);
	if (p->s->nr_reasons > NR_COLOURS)
		fprintf(out, "<rect x=\"%d\" y=\"%d\" width=\"12\" height=\"12\" fill=\"#999999\"/>"
			"<text x=\"%d\" y=\"%d\">all others</text>\n", WIDTH - RIGHT + 14, y - 10,
			WIDTH - RIGHT + 32, y);
	if (p->s->nr_restarts)
		fprintf(out, "<line x1=\"%d\" x2=\"%d\" y1=\"%d\" y2=\"%d\" class=\"restart\"/>"
			"<text x=\"%d\" y=\"%d\">counters restarted</text>\n", WIDTH - RIGHT + 14,
			WIDTH - RIGHT + 26, y + 16, y + 16, WIDTH - RIGHT + 32, y + 20);
}

static void draw_head(const struct series *s, FILE *out)
{
	time_t seconds = s->first.real_ns / 1000000000;
	char when[40] = "";
	struct tm tm;

	if (s->first.real_ns && gmtime_r(&seconds, &tm))
		strftime(when, sizeof(when), ", from %Y-%m-%d %H:%M:%S UTC", &tm);
	fprintf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" "
		"height=\"%d\">\n<title>VM exits</title>\n<style>text{font:12px sans-serif;fill:#222}"
		".title{font-size:14px;font-weight:bold}.grid{stroke:#ddd}"
		".restart{stroke:#c00;stroke-dasharray:4 3}</style>\n"
		"<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n", WIDTH, HEIGHT, WIDTH, HEIGHT);
	fprintf(out, "<text x=\"%d\" y=\"24\">VM exits, %s", LEFT, vendor_title(s->d.vendor));
	if (s->d.vcpus)
		fprintf(out, ", %" PRIu32 " vCPU%s", s->d.vcpus, s->d.vcpus == 1 ? "" : "s");
	fprintf(out, "%s, %u readings</text>\n", when, s->readings);
}

void series_picture(const struct series *s, FILE *out)
{
	struct picture p = { .s = s };
	size_t *bands = calloc(s->nr_reasons + 1, sizeof(*bands));
	double *base = calloc(MAX_BINS, sizeof(*base));

	p.bins = calloc(MAX_BINS, sizeof(*p.bins));
	p.order = calloc(s->nr_reasons + 1, sizeof(*p.order));
	p.nr_bins = s->nr_intervals < MAX_BINS ? s->nr_intervals : MAX_BINS;
	p.duration = s->nr_intervals ? s->intervals[s->nr_intervals - 1].end : 0;
	p.nr_bands = s->nr_reasons < NR_COLOURS ? s->nr_reasons : NR_COLOURS;
	draw_head(s, out);
	if (!bands || !base || !p.bins || !p.order || p.duration <= 0) {
		fprintf(out, "<text x=\"%d\" y=\"60\">No time passed between two readings.</text>\n", LEFT);
	} else {
		for (size_t i = 0; i < s->nr_reasons; i++)
			p.order[i] = i;
		sorted = s;
		qsort(p.order, s->nr_reasons, sizeof(*p.order), by_cost);
		for (size_t i = 0; i < s->nr_reasons; i++)
			bands[i] = band_of(&p, i);
		/* Steps as the intervals are, unless those are too many. */
		if (s->nr_restarts && p.nr_bins < MAX_BINS)
			p.nr_bins = p.nr_bins + s->nr_restarts < MAX_BINS ?
				    p.nr_bins + s->nr_restarts : MAX_BINS;
		for (size_t i = 0; i < s->nr_intervals; i++)
			fill_bins(&p, &s->intervals[i], bands);
		draw_panel(&p, out, PANEL_1, false, "Exits per second", base);
		draw_panel(&p, out, PANEL_2, true, s->d.tsc_khz ?
			   "Time in the hypervisor, % of one vCPU's" : "Cycles in the hypervisor per second",
			   base);
		draw_legend(&p, out);
	}
	fputs("</svg>\n", out);
	free(bands);
	free(base);
	free(p.bins);
	free(p.order);
}
