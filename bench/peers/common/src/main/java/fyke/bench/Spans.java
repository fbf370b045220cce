package fyke.bench;

/** The near-equal rules of Q5: copies of Q1 with other spans. */
public final class Spans {
    private Spans() { }

    public static long burst(int rule) { return 201 + rule % 100; }
    public static long total(int rule) { return 841 + rule / 100 % 60; }
}
