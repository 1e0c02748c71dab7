// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runs.h"
#include "series.h"

/* Room for one more; NULL: out of memory.  The list grows by doubling. */
static void *grow(void *list, size_t nr, size_t size)
{
	bool full = nr >= 16 ? !(nr & (nr - 1)) : !nr;

	return full ? reallocarray(list, nr ? 2 * nr : 16, size) : list;
}

static int find_reason(struct series *s, const struct counter *row)
{
	struct series_reason *reasons;

	for (size_t i = 0; i < s->nr_reasons; i++)
		if (s->reasons[i].row.listed == row->listed && s->reasons[i].row.reason == row->reason)
			return i;
	reasons = grow(s->reasons, s->nr_reasons, sizeof(*reasons));
	if (!reasons)
		return -ENOMEM;
	s->reasons = reasons;
	s->reasons[s->nr_reasons] = (struct series_reason){ *row };
	s->reasons[s->nr_reasons].row.exits = 0;
	s->reasons[s->nr_reasons].row.cycles = 0;
	return s->nr_reasons++;
}

static int add_values(struct series *s, struct interval *interval, const struct counters *diff)
{
	interval->values = calloc(diff->nr_rows ? diff->nr_rows : 1, sizeof(*interval->values));
	if (!interval->values)
		return -ENOMEM;
	for (size_t i = 0; i < diff->nr_rows; i++) {
		const struct counter *row = &diff->rows[i];
		int reason;

		if (!row->exits && !row->cycles)
			continue;
		reason = find_reason(s, row);
		if (reason < 0)
			return reason;
		s->reasons[reason].row.exits += row->exits;
		s->reasons[reason].row.cycles += row->cycles;
		interval->values[interval->nr++] =
			(struct series_value){ reason, row->exits, row->cycles };
	}
	return 0;
}

/* Takes diff over. */
static int add_to_sum(struct series *s, struct counters *diff)
{
	struct runs both = { 0 };
	struct counters sum;
	int err = 0;

	if (s->nr_intervals > 1)
		err = runs_add(&both, &s->sum);
	s->sum = (struct counters){ 0 };
	if (err)
		counters_free(diff);
	else
		err = runs_add(&both, diff);
	if (!err)
		err = runs_sum(&both, &sum);
	if (!err)
		s->sum = sum;
	runs_free(&both);
	return err;
}

static double since_first(const struct series *s, const struct stamp *stamp)
{
	return stamp->boot_ns > s->first.boot_ns ? (stamp->boot_ns - s->first.boot_ns) / 1e9 : 0;
}

static int add_restart(struct series *s, double when)
{
	double *restarts = grow(s->restarts, s->nr_restarts, sizeof(*restarts));

	if (!restarts)
		return -ENOMEM;
	s->restarts = restarts;
	s->restarts[s->nr_restarts++] = when;
	return 0;
}

static int add_interval(struct series *s, const struct reading *before, const struct reading *after)
{
	struct interval *interval, *intervals;
	struct counters diff;
	int err = reading_subtract(before, after, &diff);

	if (err == -ESTALE)
		return add_restart(s, since_first(s, &after->stamp));
	if (err)
		return err;
	intervals = grow(s->intervals, s->nr_intervals, sizeof(*intervals));
	if (!intervals) {
		counters_free(&diff);
		return -ENOMEM;
	}
	s->intervals = intervals;
	interval = &s->intervals[s->nr_intervals++];
	*interval = (struct interval){
		.begin = since_first(s, &before->stamp), .end = since_first(s, &after->stamp),
	};
	err = add_values(s, interval, &diff);
	if (err) {
		counters_free(&diff);
		return err;
	}
	return add_to_sum(s, &diff);
}

int series_read(struct source *src, struct series *s)
{
	struct reading last = { 0 }, r;
	bool has_last = false;
	int err = 0;

	*s = (struct series){ 0 };
	while (!err) {
		err = reading_take(src, &r);
		if (err)
			break;
		if (!s->readings++)
			s->first = r.stamp;
		s->last = r.stamp;
		if (has_counters(&r.d) || s->readings == 1)
			s->d = r.d;
		if (has_last)
			err = add_interval(s, &last, &r);
		if (has_last)
			reading_free(&last);
		last = r;
		has_last = true;
	}
	if (has_last)
		reading_free(&last);
	if (err == -ENOMEM)
		series_free(s);
	return err > 0 ? 0 : err;
}

void series_free(struct series *s)
{
	for (size_t i = 0; i < s->nr_intervals; i++)
		free(s->intervals[i].values);
	free(s->intervals);
	free(s->reasons);
	free(s->restarts);
	counters_free(&s->sum);
	*s = (struct series){ 0 };
}
