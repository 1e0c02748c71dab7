/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TICKS_H
#define TICKS_H

/* Waiting in a loop that a signal, a key or a change of the window may cut short. */

#include <stdbool.h>
#include <stdint.h>

enum tick {
	TICK_DUE,		/* the interval is over */
	TICK_KEY,		/* standard input has something; only for a screen */
	TICK_RESIZED,		/* the terminal has another size */
	TICK_SUSPEND,		/* Ctrl-Z: whoever waits calls ticks_suspend() */
	TICK_STOP,		/* interrupt, quit, termination or hang-up */
};

struct ticks {
	uint64_t interval_ns;
	uint64_t due_ns;	/* on the monotonic clock */
	bool keys;
};

/*
 * From here on those signals only end ticks_wait().  Keys, another size and Ctrl-Z matter to
 * a screen alone.
 */
void ticks_begin(struct ticks *t, uint64_t interval_ns, bool screen);

/* Ticks keep their distance, whatever is done between them; missed ones are left out. */
enum tick ticks_wait(struct ticks *t);

/* Stops the process as Ctrl-Z would have, and returns when it goes on. */
void ticks_suspend(void);

/* Whether a signal to stop came, without waiting. */
bool ticks_stopped(void);

#endif
