/* A board that tests its policy, times one action and tells how much memory it took. ARM's semihosting carries the
 * words; qemu's mps2-an386 is a Cortex-M4 with its code at 0 and its memory at 0x20000000. */
#include <stddef.h>

#include POLICY

extern uint32_t stack_end[], stack_unpainted[], stack_start[], bss_start[], bss_end[];

/* A compiler makes calls of these of loops, which theirs must not become. */
#define IS_LOOP __attribute__((optimize("no-tree-loop-distribute-patterns")))
IS_LOOP void *memset(void *to, int byte, size_t count);
void *memset(void *to, int byte, size_t count) {
  unsigned char *at = to;
  while (count-- > 0) *at++ = (unsigned char)byte;
  return to;
}
IS_LOOP void *memcpy(void *to, const void *from, size_t count);
void *memcpy(void *to, const void *from, size_t count) {
  unsigned char *at = to;
  const unsigned char *source = from;
  while (count-- > 0) *at++ = *source++;
  return to;
}

static int ask(int operation, const void *argument) {
  register int number __asm__("r0") = operation;
  register const void *pointer __asm__("r1") = argument;
  __asm__ volatile("bkpt 0xab" : "+r"(number) : "r"(pointer) : "memory");
  return number;
}

static void tell(const char *what, uint32_t number) {
  char text[12];
  int at = 11;
  text[at] = '\0';
  do {
    text[--at] = (char)('0' + number % 10);
    number /= 10;
  } while (number > 0);
  ask(4, what);
  ask(4, " ");
  ask(4, text + at);
  ask(4, "\n");
}

#define SYSTICK_CONTROL (*(volatile uint32_t *)0xe000e010)
#define SYSTICK_RELOAD (*(volatile uint32_t *)0xe000e014)
#define SYSTICK_NOW (*(volatile uint32_t *)0xe000e018)
#define COPROCESSORS (*(volatile uint32_t *)0xe000ed88)
#define UNUSED_STACK 0xdeadbeefu

static volatile int chosen;

/* A call of its own, which stays where it is. */
__attribute__((noinline)) static void act_once(void) {
  static const float observation[ROBOT_OBSERVATION_SIZE] = {0.1f, 1.2f, -0.3f, 0.4f};
#ifdef ROBOT_MEMORY_SIZE
  static struct robot_state state;
  chosen = robot_act(&state, observation, 0);
#else
  chosen = robot_act(observation, 0);
#endif
}

__attribute__((noinline)) static void run(void) {
  uint32_t *at, before;
  SYSTICK_RELOAD = 0xffffff;
  SYSTICK_NOW = 0;
  SYSTICK_CONTROL = 5;
  /* Below this function's own part, which it does not reach. */
  for (at = stack_end; at < stack_unpainted; ++at) *at = UNUSED_STACK;
  before = SYSTICK_NOW;
  act_once();
  tell("ticks", (before - SYSTICK_NOW) & 0xffffff);
  for (at = stack_end; at < stack_start && *at == UNUSED_STACK; ++at) {
  }
  tell("stack", (uint32_t)((const char *)stack_start - (const char *)at));
#ifdef ROBOT_SELF_TEST
  tell("failed", (uint32_t)robot_self_test());
#endif
  ask(0x18, (const void *)0x20026);
}

void start(void);
void start(void) {
  uint32_t *at;
  for (at = bss_start; at < bss_end; ++at) *at = 0;
  COPROCESSORS |= 0xfu << 20;
  __asm__ volatile("dsb\n\tisb" ::: "memory");
  run();
  for (;;) {
  }
}

__attribute__((section(".vectors"), used)) static const void *const vectors[] = {stack_start, start};
