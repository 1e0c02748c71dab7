/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RUNS_H
#define RUNS_H

/* Several runs of one command: means, standard deviations and sums. */

#include "counters.h"

/* A number that was seen several times, by Welford's method. */
struct sample {
	unsigned int nr;
	double mean, squares;
};

void sample_add(struct sample *s, double value);

/* Of the sample; 0 for less than two. */
double sample_deviation(const struct sample *s);

struct runs {
	struct counters *list;
	unsigned int nr;
};

/* Takes the difference over; 0 or -ENOMEM, then it is freed. */
int runs_add(struct runs *runs, struct counters *diff);

/* The mean of at least one run; or the sum.  0 or -ENOMEM. */
int runs_mean(const struct runs *runs, struct counters *mean);
int runs_sum(const struct runs *runs, struct counters *sum);

void runs_free(struct runs *runs);

#endif
