import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.ConnectionFactory;
import java.nio.charset.StandardCharsets;
import java.util.Date;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Publishes an order to Orderflow: confirmed, mandatory, persistent, under a stable id.
 *
 * <p>Usage: java -cp amqp-client.jar PublishOrder.java ORDER_ID MESSAGE_ID PLACED_AT. Exit codes: 0
 * the broker has it, 1 it could not be published, 2 wrong usage.
 */
public final class PublishOrder {
  private static final int TRIES = 5;
  private static final int TIMEOUT_MS = 10_000;
  private static final String TYPE = "shop.order.created.v1";
  private static final String SOURCE = "/shops/example";

  /** The broker gave the message back. */
  @SuppressWarnings("serial")
  private static final class Returned extends Exception {}

  public static void main(String[] args) throws InterruptedException {
    if (args.length != 3) {
      System.err.println("Usage: PublishOrder ORDER_ID MESSAGE_ID PLACED_AT");
      System.exit(2);
    }
    byte[] body = event(args[0], args[1], args[2]).getBytes(StandardCharsets.UTF_8);
    for (int attempt = 1; attempt <= TRIES; attempt++) {
      try {
        publishOnce(args[0], args[1], body);
        System.out.println("confirmed " + args[1]);
        System.exit(0);
      } catch (Returned returned) {
        System.err.println("returned: no queue takes it; is the topology declared?");
        System.exit(1);
      } catch (Exception error) {
        // It may have arrived all the same: the same id makes sending it again harmless.
        System.err.printf("try %d of %d failed: %s%n", attempt, TRIES, error);
      }
      if (attempt < TRIES) {
        Thread.sleep(250L << (attempt - 1));
      }
    }
    System.exit(1);
  }

  /** The event; your own outbox keeps it, so that every try sends the same bytes. */
  private static String event(String orderId, String messageId, String placedAt) {
    String form =
        """
        {"specversion": "1.0", "id": "%2$s", "source": "%4$s", "type": "%5$s",
         "subject": "%1$s", "time": "%3$s",
         "data": {"order_id": "%1$s", "merchant_id": "merchant-7", "customer_ref": "cust-5f1c",
                  "total": {"amount_minor": 5800, "currency": "EUR"},
                  "placed_at": "%3$s", "revision": 1, "livemode": true}}
        """;
    return form.formatted(orderId, messageId, placedAt, SOURCE, TYPE);
  }

  /** Returns once the broker has the message; throws when it has not, or may not have. */
  private static void publishOnce(String orderId, String messageId, byte[] body) throws Exception {
    ConnectionFactory factory = new ConnectionFactory();
    factory.setUri(System.getenv("ORDERFLOW_AMQP_URL"));
    factory.setAutomaticRecoveryEnabled(false);
    factory.setConnectionTimeout(TIMEOUT_MS);
    factory.setRequestedHeartbeat(20);
    AMQP.BasicProperties properties =
        new AMQP.BasicProperties.Builder()
            .contentType("application/cloudevents+json")
            .deliveryMode(2)
            .messageId(messageId)
            .type(TYPE)
            .appId(SOURCE)
            .correlationId(orderId)
            .timestamp(new Date())
            .build();
    String exchange = System.getenv().getOrDefault("ORDERFLOW_EXCHANGE", "shop.events");
    AtomicBoolean returned = new AtomicBoolean();
    try (Connection connection = factory.newConnection();
        Channel channel = connection.createChannel()) {
      channel.confirmSelect();
      channel.addReturnListener((code, text, from, key, props, content) -> returned.set(true));
      channel.basicPublish(exchange, "order.created", true, properties, body);
      // A returned message is confirmed as well, but the return comes first.
      channel.waitForConfirmsOrDie(TIMEOUT_MS);
    }
    if (returned.get()) {
      throw new Returned();
    }
  }
}
