// SPDX-License-Identifier: GPL-2.0-or-later
/* watch: live rates. */
#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "commands.h"
#include "screen.h"
#include "ticks.h"

struct watch {
	struct options *opt;
	bool screen;
	bool headings_done;
	char *page;			/* screen: what it shows */
	struct reading last;
	bool has_last;
	uint32_t intervals;
	unsigned int restarts;
};

/* The total as a row of its own, above the reasons. */
static int add_total(struct counters *c)
{
	struct counter total = {
		.total = true, .name = "TOTAL",
		.exits = c->sum_exits, .cycles = c->sum_cycles, .away = c->away,
	};
	uint64_t exits = c->sum_exits, cycles = c->sum_cycles;

	if (counters_add_row(c, &total))
		return -ENOMEM;
	c->sum_exits = exits;
	c->sum_cycles = cycles;
	memmove(c->rows + 1, c->rows, (c->nr_rows - 1) * sizeof(*c->rows));
	c->rows[0] = total;
	return 0;
}

static void format_time(const struct stamp *stamp, char *text, size_t size)
{
	time_t seconds = stamp->real_ns / 1000000000;
	struct tm tm;

	if (!stamp->real_ns || !localtime_r(&seconds, &tm) || !strftime(text, size, "%H:%M:%S", &tm))
		snprintf(text, size, "-");
}

static void print_csv_text(const char *text, FILE *out)
{
	fputc('"', out);
	for (; *text; text++) {
		if (*text == '"')
			fputc('"', out);
		fputc(*text, out);
	}
	fputc('"', out);
}

static void print_csv_cell(const struct cell *cell, FILE *out)
{
	switch (cell->type) {
	case CELL_NONE:
		break;
	case CELL_TEXT:
		if (strpbrk(cell->text, ",\""))
			print_csv_text(cell->text, out);
		else
			fputs(cell->text, out);
		break;
	case CELL_NUMBER:
		fprintf(out, "%" PRIu64, cell->number);
		break;
	case CELL_REAL:
		fprintf(out, "%.*f", cell->decimals, cell->real);
		break;
	}
}

static int print_csv(struct watch *w, const struct reading *r, const struct counters *c)
{
	const struct report *rep = &w->opt->report;

	if (!w->headings_done && !rep->style.no_headings) {
		fputs("time", rep->out);
		for (size_t i = 0; i < rep->sel.nr; i++)
			fprintf(rep->out, ",%s", columns[rep->sel.ids[i]].key);
		fputc('\n', rep->out);
	}
	for (size_t row = 0; row < c->nr_rows; row++) {
		if (!row_shown(&c->rows[row], &rep->filter, rep->all))
			continue;
		fprintf(rep->out, "%.3f", r->stamp.real_ns / 1e9);
		for (size_t i = 0; i < rep->sel.nr; i++) {
			struct cell cell = column_cell(rep->sel.ids[i], &r->d, c, &c->rows[row]);

			fputc(',', rep->out);
			print_csv_cell(&cell, rep->out);
		}
		fputc('\n', rep->out);
	}
	return 0;
}

static int print_json(const struct watch *w, const struct reading *r, const struct counters *c)
{
	struct json_object *doc = report_json_document(&w->opt->report, &r->d, c, true);
	double share = time_share(c, c->cycles, c->seconds);
	int err = -ENOMEM;

	if (doc && !json_real(doc, "time", r->stamp.real_ns, r->stamp.real_ns / 1e9, 3) &&
	    !json_real(doc, "seconds", c->seconds > 0, c->seconds, 9) &&
	    !json_real(doc, "time_percent", share >= 0, share, 4) &&
	    !json_number(doc, "restarts", true, w->restarts))
		err = json_print(doc, true, w->opt->report.out);
	json_object_put(doc);
	return err;
}

static int print_block(struct watch *w, const struct reading *r, const struct counters *c)
{
	struct report rep = w->opt->report;
	char text[16];

	format_time(&r->stamp, text, sizeof(text));
	rep.time = text;
	rep.padded = true;
	rep.style.no_headings |= w->headings_done;
	return report_rows(&rep, &r->d, c);
}

/* Columns that do not fit into the window would be cut within their numbers: they are left out. */
static int draw_table(const struct watch *w, const struct reading *r, const struct counters *c, FILE *out)
{
	struct report rep = w->opt->report;
	int rows, columns, err;
	char *table = NULL;
	size_t size;

	screen_size(&rows, &columns);
	for (;;) {
		free(table);
		rep.out = open_memstream(&table, &size);
		if (!rep.out)
			return -ENOMEM;
		err = report_rows(&rep, &r->d, c);
		if (fclose(rep.out) && !err)
			err = -ENOMEM;
		/* All its lines are as long as the headings. */
		if (err || rep.columns_chosen || strcspn(table, "\n") <= (size_t)columns ||
		    !selection_shrink(&rep.sel))
			break;
	}
	if (!err)
		fputs(table, out);
	free(table);
	return err;
}

/* The page: a line about the machine, two about the interval, the table. */
static int draw(struct watch *w, const struct reading *r, const struct counters *c)
{
	char *page = NULL, time_text[16];
	size_t size;
	FILE *out = open_memstream(&page, &size);
	int err;

	if (!out)
		return -ENOMEM;
	format_time(&r->stamp, time_text, sizeof(time_text));
	fprintf(out, "cpuid-probe watch - %s, %s, every %g s - q quits\n", time_text,
		vendor_title(r->d.vendor), w->opt->interval_ns / 1e9);
	if (c && c->seconds > 0)
		fprintf(out, "%.1f exits per second", c->exits / c->seconds);
	else if (!c)
		fputs(w->restarts ? "The counters started anew: another host, or restored. Waiting." :
				    "Waiting for the first interval.", out);
	if (c && c->tsc_khz && c->seconds > 0) {
		fputs("\nIn the hypervisor ", out);
		print_time_share(c, c->seconds, "the time", out);
	}
	fputs("\n\n", out);
	err = c ? draw_table(w, r, c, out) : 0;
	if (fclose(out) && !err)
		err = -ENOMEM;
	free(w->page);
	w->page = page;
	if (!err)
		screen_show(page);
	return err;
}

static int show(struct watch *w, const struct reading *r, struct counters *c)
{
	struct options *opt = w->opt;
	int err = report_prepare(&opt->report, &r->d, c);

	if (!err)
		err = add_total(c);
	if (err)
		return err;
	if (w->screen)
		err = draw(w, r, c);
	else if (opt->json)
		err = print_json(w, r, c);
	else if (opt->csv)
		err = print_csv(w, r, c);
	else
		err = print_block(w, r, c);
	w->headings_done = true;
	/* Whoever reads along is not kept waiting, and a reader that is gone ends it. */
	if (!err && (fflush(opt->report.out) || ferror(opt->report.out)))
		err = -EPIPE;
	return err;
}

/* Compares with the reading before, and takes over r.  0 or an error. */
static int advance(struct watch *w, struct reading *r)
{
	struct counters diff;
	int err = 0;

	if (w->has_last) {
		err = reading_subtract(&w->last, r, &diff);
		if (err == -ESTALE) {
			w->restarts++;
			if (!w->screen)
				warnx("the counters started anew: the machine moved to another host "
				      "or was restored");
		} else if (!err) {
			err = show(w, r, &diff);
			counters_free(&diff);
			w->intervals++;
		}
		reading_free(&w->last);
	}
	w->last = *r;
	w->has_last = true;
	if (w->screen && (err == -ESTALE || !w->intervals))
		err = draw(w, r, NULL);
	return err == -ESTALE ? 0 : err;
}

/* false: the user wants no more. */
static bool wait_for_tick(struct watch *w, struct ticks *ticks)
{
	/* A file has no time of its own that anyone would wait for. */
	if (w->opt->from && !w->screen)
		return !ticks_stopped();
	for (;;) {
		switch (ticks_wait(ticks)) {
		case TICK_DUE:
			return true;
		case TICK_STOP:
			return false;
		case TICK_SUSPEND:
			screen_close();
			ticks_suspend();
			screen_open();
			/* fall through */
		case TICK_RESIZED:
			if (w->page)
				screen_show(w->page);
			break;
		case TICK_KEY:
			switch (screen_key()) {
			case 'q':
			case 'Q':
				return false;
			case 0:
				ticks->keys = false;
			}
			break;
		}
	}
}

static int loop(struct watch *w, struct source *src, struct ticks *ticks)
{
	do {
		struct reading r;
		int err = reading_take(src, &r);

		if (err == -EAGAIN) {
			/* Torn by moves: there will be a better one. */
			w->restarts++;
			continue;
		}
		if (err > 0) {
			if (!w->has_last || w->intervals || w->restarts)
				return 0;
			warnx("'%s' has one reading only; 'cpuid-probe record' makes more",
			      w->opt->from);
			return -ENODATA;
		}
		if (err)
			return err;
		if (!has_counters(&r.d)) {
			if (w->screen)
				screen_close();
			w->screen = false;
			detection_print(&r.d, stderr);
			return detection_status(&r.d);
		}
		err = advance(w, &r);
		if (err)
			return err;
	} while ((!w->opt->count || w->intervals < w->opt->count) && wait_for_tick(w, ticks));
	return 0;
}

int cmd_watch(struct source *src, struct options *opt)
{
	struct watch w = { .opt = opt };
	struct ticks ticks;
	int status;

	opt->report.rates = true;
	if (parse_series_arguments(opt))
		return -EINVAL;
	w.screen = screen_possible() && !opt->csv && !opt->json && !report_table_only(&opt->report);
	ticks_begin(&ticks, opt->interval_ns, w.screen);
	if (w.screen)
		screen_open();
	status = loop(&w, src, &ticks);
	if (w.screen)
		screen_close();
	if (w.has_last)
		reading_free(&w.last);
	free(w.page);
	/* close_stdout() has the message. */
	return status == -EPIPE ? EXIT_FAILURE : status;
}
