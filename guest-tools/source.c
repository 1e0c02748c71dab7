// SPDX-License-Identifier: GPL-2.0-or-later
#include "source.h"	/* first: it refuses other architectures */

#include <cpuid.h>
#include <err.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>

static sigjmp_buf fault_return;
static volatile sig_atomic_t fault_expected;

static void on_fault(int sig)
{
	if (fault_expected) {
		fault_expected = 0;
		siglongjmp(fault_return, 1);
	}
	/* Not ours: a bug.  Back to where it faults again, this time for real. */
	signal(sig, SIG_DFL);
}

bool runs_without_fault(void (*fn)(void *arg), void *arg)
{
	/*
	 * SA_NODEFER leaves the signal mask alone, so that nothing has to be
	 * saved and restored around each CPUID.
	 */
	struct sigaction catch = { .sa_handler = on_fault, .sa_flags = SA_NODEFER };
	struct sigaction before;
	bool ok;

	sigemptyset(&catch.sa_mask);
	sigaction(SIGSEGV, &catch, &before);
	if (sigsetjmp(fault_return, 0)) {
		ok = false;
	} else {
		fault_expected = 1;
		fn(arg);
		fault_expected = 0;
		ok = true;
	}
	sigaction(SIGSEGV, &before, NULL);
	return ok;
}

struct cpuid_call {
	uint32_t leaf;
	uint32_t subleaf;
	struct cpuid_regs regs;
};

static void execute_cpuid(void *arg)
{
	struct cpuid_call *call = arg;

	/* __get_cpuid() would refuse leaves above the highest basic leaf. */
	__cpuid_count(call->leaf, call->subleaf, call->regs.eax,
		      call->regs.ebx, call->regs.ecx, call->regs.edx);
}

static int read_cpu(struct source *src, uint32_t leaf, uint32_t subleaf,
		    struct cpuid_regs *regs)
{
	struct cpuid_call call = { .leaf = leaf, .subleaf = subleaf };

	(void)src;
	if (!runs_without_fault(execute_cpuid, &call))
		return -EACCES;
	*regs = call.regs;
	return 0;
}

void source_open_cpu(struct source *src)
{
	*src = (struct source){ .read = read_cpu };
}

static int read_file(struct source *src, uint32_t leaf, uint32_t subleaf,
		     struct cpuid_regs *regs)
{
	const struct answer *found = answers_find(&src->answers, leaf, subleaf);

	if (!found) {
		warnx("'%s' has no answer for leaf %08x, subleaf %08x; record it again with --dump",
		      src->path, leaf, subleaf);
		return -ENODATA;
	}
	*regs = found->regs;
	return 0;
}

int source_open_file(struct source *src, const char *path)
{
	*src = (struct source){ .read = read_file, .path = path };
	return answers_load(&src->answers, path);
}

static int read_recording(struct source *src, uint32_t leaf, uint32_t subleaf,
			  struct cpuid_regs *regs)
{
	int err = source_read(src->inner, leaf, subleaf, regs);

	if (err)
		return err;
	/*
	 * The last answer stays: a table that was dropped and read again must
	 * not leave half of its first reading in the file.
	 */
	return answers_set(&src->answers, leaf, subleaf, regs);
}

void source_open_recording(struct source *src, struct source *inner)
{
	*src = (struct source){ .read = read_recording, .inner = inner };
}

void source_close(struct source *src)
{
	answers_free(&src->answers);
}
