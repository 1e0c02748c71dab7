// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runs.h"

void sample_add(struct sample *s, double value)
{
	double from_mean = value - s->mean;

	s->nr++;
	s->mean += from_mean / s->nr;
	s->squares += from_mean * (value - s->mean);
}

double sample_deviation(const struct sample *s)
{
	return s->nr > 1 ? sqrt(s->squares / (s->nr - 1)) : 0;
}

int runs_add(struct runs *runs, struct counters *diff)
{
	struct counters *list = reallocarray(runs->list, runs->nr + 1, sizeof(*list));

	if (!list) {
		counters_free(diff);
		return -ENOMEM;
	}
	runs->list = list;
	runs->list[runs->nr++] = *diff;
	return 0;
}

static struct counter *find_row(const struct counters *c, const struct counter *like)
{
	for (size_t i = 0; i < c->nr_rows; i++)
		if (c->rows[i].listed == like->listed && c->rows[i].reason == like->reason)
			return &c->rows[i];
	return NULL;
}

/* All rows that any run has, empty. */
static int collect_rows(const struct runs *runs, struct counters *c)
{
	for (unsigned int run = 0; run < runs->nr; run++) {
		for (size_t i = 0; i < runs->list[run].nr_rows; i++) {
			struct counter row = runs->list[run].rows[i];

			if (find_row(c, &row))
				continue;
			row.exits = row.cycles = row.away = 0;
			if (counters_add_row(c, &row))
				return -ENOMEM;
		}
	}
	return 0;
}

static uint64_t divide(uint64_t sum, unsigned int nr)
{
	return (sum + nr / 2) / nr;
}

static int combine(const struct runs *runs, unsigned int divisor, struct counters *c)
{
	struct counters all = runs->list[0];

	all.rows = NULL;
	all.nr_rows = 0;
	all.sum_exits = all.sum_cycles = 0;
	all.exits = all.cycles = all.away = 0;
	all.own = (struct own_cost){ .cycles_per_exit = runs->list[0].own.cycles_per_exit };
	all.seconds = 0;
	*c = all;
	if (collect_rows(runs, c)) {
		counters_free(c);
		return -ENOMEM;
	}
	for (unsigned int run = 0; run < runs->nr; run++) {
		const struct counters *one = &runs->list[run];

		c->exits += one->exits;
		c->cycles += one->cycles;
		c->away += one->away;
		c->own.exits += one->own.exits;
		c->own.cycles += one->own.cycles;
		c->seconds += one->seconds;
	}
	for (size_t i = 0; i < c->nr_rows; i++) {
		struct sample exits = { 0 }, cycles = { 0 };
		struct counter *row = &c->rows[i];

		for (unsigned int run = 0; run < runs->nr; run++) {
			const struct counter none = { 0 };
			const struct counter *one = find_row(&runs->list[run], row);

			one = one ? one : &none;
			row->exits += one->exits;
			row->cycles += one->cycles;
			row->away += one->away;
			sample_add(&exits, one->exits);
			sample_add(&cycles, one->cycles);
		}
		row->mean_exits = (double)row->exits / divisor;
		row->mean_cycles = (double)row->cycles / divisor;
		c->mean_sum_exits += row->mean_exits;
		c->mean_sum_cycles += row->mean_cycles;
		row->exits = divide(row->exits, divisor);
		row->cycles = divide(row->cycles, divisor);
		row->away = divide(row->away, divisor);
		row->exits_deviation = sample_deviation(&exits);
		row->cycles_deviation = sample_deviation(&cycles);
		c->sum_exits += row->exits;
		c->sum_cycles += row->cycles;
	}
	c->exits = divide(c->exits, divisor);
	c->cycles = divide(c->cycles, divisor);
	c->away = divide(c->away, divisor);
	c->own.exits = divide(c->own.exits, divisor);
	c->own.cycles = divide(c->own.cycles, divisor);
	c->seconds /= divisor;
	c->runs = divisor;
	counters_sort(c);
	return 0;
}

int runs_mean(const struct runs *runs, struct counters *mean)
{
	return combine(runs, runs->nr, mean);
}

int runs_sum(const struct runs *runs, struct counters *sum)
{
	return combine(runs, 1, sum);
}

void runs_free(struct runs *runs)
{
	for (unsigned int i = 0; i < runs->nr; i++)
		counters_free(&runs->list[i]);
	free(runs->list);
	*runs = (struct runs){ 0 };
}
