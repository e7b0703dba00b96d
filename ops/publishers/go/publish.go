// Publishes an order to Orderflow: confirmed, mandatory, persistent, under a stable id.
//
// Usage: publish ORDER_ID MESSAGE_ID PLACED_AT
// Exit codes: 0 the broker has it, 1 it could not be published, 2 wrong usage.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

const (
	tries     = 5
	timeout   = 10 * time.Second
	eventType = "shop.order.created.v1"
	source    = "/shops/example"
)

var errReturned = errors.New("returned: no queue takes it; is the topology declared?")

// event is what is sent; your own outbox keeps it, so that every try sends the same bytes.
func event(orderID, messageID, placedAt string) ([]byte, error) {
	return json.Marshal(map[string]any{
		"specversion": "1.0",
		"id":          messageID,
		"source":      source,
		"type":        eventType,
		"subject":     orderID,
		"time":        placedAt,
		"data": map[string]any{
			"order_id":     orderID,
			"merchant_id":  "merchant-7",
			"customer_ref": "cust-5f1c",
			"total":        map[string]any{"amount_minor": 5800, "currency": "EUR"},
			"placed_at":    placedAt,
			"revision":     1,
			"livemode":     true,
		},
	})
}

// publishOnce returns nil once the broker has the message.
func publishOnce(url, exchange, orderID, messageID string, body []byte) error {
	config := amqp.Config{Heartbeat: 20 * time.Second, Dial: amqp.DefaultDial(timeout)}
	connection, err := amqp.DialConfig(url, config)
	if err != nil {
		return err
	}
	defer connection.Close()
	channel, err := connection.Channel()
	if err != nil {
		return err
	}
	if err := channel.Confirm(false); err != nil {
		return err
	}
	confirms := channel.NotifyPublish(make(chan amqp.Confirmation, 1))
	returns := channel.NotifyReturn(make(chan amqp.Return, 1))
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	err = channel.PublishWithContext(ctx, exchange, "order.created", true, false, amqp.Publishing{
		ContentType:   "application/cloudevents+json",
		DeliveryMode:  amqp.Persistent,
		MessageId:     messageID,
		Type:          eventType,
		AppId:         source,
		CorrelationId: orderID,
		Timestamp:     time.Now(),
		Body:          body,
	})
	if err != nil {
		return err
	}
	select {
	case confirm, open := <-confirms:
		if !open || !confirm.Ack {
			return errors.New("the broker did not take it")
		}
	case <-ctx.Done():
		return errors.New("no confirm in time")
	}
	// A returned message is confirmed as well, but the return comes first.
	select {
	case _, open := <-returns:
		if open {
			return errReturned
		}
	default:
	}
	return nil
}

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "Usage: publish ORDER_ID MESSAGE_ID PLACED_AT")
		os.Exit(2)
	}
	orderID, messageID := os.Args[1], os.Args[2]
	exchange := os.Getenv("ORDERFLOW_EXCHANGE")
	if exchange == "" {
		exchange = "shop.events"
	}
	body, err := event(orderID, messageID, os.Args[3])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for attempt := 1; attempt <= tries; attempt++ {
		err = publishOnce(os.Getenv("ORDERFLOW_AMQP_URL"), exchange, orderID, messageID, body)
		if err == nil {
			fmt.Println("confirmed", messageID)
			return
		}
		if errors.Is(err, errReturned) {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		// It may have arrived all the same: the same id makes sending it again harmless.
		fmt.Fprintf(os.Stderr, "try %d of %d failed: %v\n", attempt, tries, err)
		if attempt < tries {
			time.Sleep(250 * time.Millisecond << (attempt - 1))
		}
	}
	os.Exit(1)
}
