// SPDX-License-Identifier: GPL-2.0-or-later
#include "ticks.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/select.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S UINT64_C(1000000000)

static volatile sig_atomic_t stop, resized;
static sigset_t while_waiting;

static void note(int sig)
{
	if (sig == SIGWINCH)
		resized = 1;
	else
		stop = 1;
}

static uint64_t now_ns(void)
{
	struct timespec now = { 0 };

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

void ticks_begin(struct ticks *t, uint64_t interval_ns, bool keys)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGWINCH };
	struct sigaction action = { .sa_handler = note };
	sigset_t block;

	sigemptyset(&action.sa_mask);
	sigemptyset(&block);
	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++) {
		struct sigaction before;

		/* What nohup or a shell's background job ignores stays ignored. */
		sigaction(signals[i], NULL, &before);
		if (before.sa_handler != SIG_IGN)
			sigaction(signals[i], &action, NULL);
		sigaddset(&block, signals[i]);
	}
	/* They come in pselect() alone, where none is missed. */
	sigprocmask(SIG_BLOCK, &block, &while_waiting);
	*t = (struct ticks){ interval_ns, now_ns() + interval_ns, keys };
}

bool ticks_stopped(void)
{
	sigset_t pending;

	sigpending(&pending);
	return stop || sigismember(&pending, SIGINT) || sigismember(&pending, SIGTERM) ||
	       sigismember(&pending, SIGHUP);
}

enum tick ticks_wait(struct ticks *t)
{
	for (;;) {
		uint64_t now = now_ns(), left = t->due_ns > now ? t->due_ns - now : 0;
		struct timespec timeout = { left / NS_PER_S, left % NS_PER_S };
		fd_set fds;
		int n;

		FD_ZERO(&fds);
		if (t->keys)
			FD_SET(STDIN_FILENO, &fds);
		n = pselect(STDIN_FILENO + 1, &fds, NULL, NULL, &timeout, &while_waiting);
		if (stop)
			return TICK_STOP;
		if (resized) {
			resized = 0;
			return TICK_RESIZED;
		}
		if (n > 0)
			return TICK_KEY;
		now = now_ns();
		if (now < t->due_ns)
			continue;
		do
			t->due_ns += t->interval_ns;
		while (t->due_ns <= now);
		return TICK_DUE;
	}
}
